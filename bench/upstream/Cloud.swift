import FoundationEssentials
import NIOCore
import NIOFoundationCompat
import NIOHTTP1

/// The routes: which call means what, and how long its answer takes.
final class Cloud {
    private let delays: Options.Delays
    private let sandboxes = Sandboxes()

    init(_ delays: Options.Delays) {
        self.delays = delays
    }

    /// Ends the sandboxes whose time is over, now and ten times a second.
    func endWhatIsOver(again loop: NIOIsolatedEventLoop) {
        sandboxes.endWhatIsOver()
        loop.scheduleTask(in: .milliseconds(100)) { self.endWhatIsOver(again: loop) }
    }

    func reply(to call: Call) -> Reply {
        switch (call.method, call.path.first) {
        case (.POST, "execute"): execute(call)
        case (.GET, "health"): .now(call.headers.first(name: .sandboxID) == nil ? Answer() : inSandbox(call))
        case (_, "files"): .after(delays.files) { self.files(call) }
        case (.GET, "_counts"): .now(.document(sandboxes.counts))
        case (_, "sandboxes") where call.headers.first(name: .apiKey)?.isEmpty ?? true:
            .now(.failure(.unauthorized, "no API key"))
        case (.POST, "sandboxes") where call.path.count == 1: create(call)
        case (.GET, "sandboxes") where call.path.count == 1: .now(sandboxes.list(call.query))
        case (.DELETE, "sandboxes") where call.path.count == 2: .after(delays.kill) { self.kill(call.path[1]) }
        case (_, "sandboxes"): .now(control(call))
        default: .now(.failure(.notFound, "no such route"))
        }
    }

    // MARK: Control plane

    private func create(_ call: Call) -> Reply {
        guard let order = try? JSONDecoder().decode(Sandbox.Order.self, from: call.body) else {
            return .now(.failure(.badRequest, "the body is not an order"))
        }
        return .after(delays.create) { .document(self.sandboxes.create(order).opened, status: .created) }
    }

    private func kill(_ id: Substring) -> Answer {
        sandboxes.kill(id) ? .nothing : .unknown(id)
    }

    /// What concerns one sandbox and is answered at once.
    private func control(_ call: Call) -> Answer {
        struct Lifetime: Decodable { let timeout: Int? }
        guard call.path.count > 1, let sandbox = sandboxes[call.path[1]] else {
            return .unknown(call.path.dropFirst().first ?? "")
        }
        let seconds = (try? JSONDecoder().decode(Lifetime.self, from: call.body))?.timeout
        switch (call.method, call.path.dropFirst(2).first) {
        case (.GET, nil): return .document(sandbox.detail)
        case (.POST, "timeout"):
            sandbox.end(in: seconds ?? 0)
            return .nothing
        case (.POST, "connect"):
            sandbox.lastAtLeast(seconds ?? Sandbox.Order.usualSeconds)
            return .document(sandbox.opened)
        default: return .failure(.notFound, "no such route")
        }
    }

    // MARK: Data plane

    /// Sandboxes run one execution after the other.
    private func execute(_ call: Call) -> Reply {
        guard let sandbox = sandboxes[call.headers.first(name: .sandboxID) ?? ""] else { return .now(inSandbox(call)) }
        sandbox.isBusyUntil = max(sandbox.isBusyUntil, .now()) + delays.execute
        return Reply(due: sandbox.isBusyUntil) {
            self.inSandbox(call) { _ in
                self.sandboxes.counts.executed += 1
                return .execution
            }
        }
    }

    /// A file goes up as it is, forms are not taken apart, and comes down as it went up.
    private func files(_ call: Call) -> Answer {
        struct Entry: Encodable { let name: String, type = "file", path: String }
        return inSandbox(call) { sandbox in
            guard let path = call.query["path"] else { return .failure(.badRequest, "no path") }
            guard call.method == .POST else {
                return sandbox.files[path].map { Answer(body: $0) } ?? .failure(.notFound, "no such file")
            }
            sandbox.files[path] = call.body
            return .document([Entry(name: path.split(separator: "/").last.map(String.init) ?? "", path: path)])
        }
    }

    /// As E2B's edge: a sandbox that is not there, and one that the call does not open, get no further.
    private func inSandbox(_ call: Call, _ answer: (Sandbox) -> Answer = { _ in .nothing }) -> Answer {
        let id = call.headers.first(name: .sandboxID) ?? ""
        guard let sandbox = sandboxes[id] else { return .failure(.badGateway, "The sandbox was not found") }
        guard call.headers.first(name: .accessToken) == sandbox.accessToken else {
            return .failure(.unauthorized, "the access token is wrong")
        }
        return answer(sandbox)
    }
}

extension Answer {
    /// What every execution answers: head and events at once, as a single round trip brings them.
    fileprivate static let execution = Answer(
        body: ByteBuffer(
            string: """
                {"type":"number_of_executions","execution_count":1}
                {"type":"stdout","text":"2\\n","timestamp":"2026-11-22T20:37:59.162912+00:00"}
                {"type":"result","text":"2","extra":{},"is_main_result":true}
                {"type":"end_of_execution"}

                """), isStream: true)

    fileprivate static func unknown(_ id: Substring) -> Answer {
        failure(.notFound, "sandbox \(id) was not found")
    }
}

extension String {
    fileprivate static let apiKey = "X-API-Key"
    fileprivate static let sandboxID = "E2b-Sandbox-Id"
    fileprivate static let accessToken = "X-Access-Token"
}

import FoundationEssentials
import Synchronization

/// A sandbox as E2B's callers know it: a container that has been given a name, an owner's data and an end.
final class Sandbox: Sendable {
    let id: String
    let container: Container
    let order: SandboxOrder
    let startedAt = Date()
    private let phase: Mutex<Phase>

    private enum Phase {
        /// Until an end, unless that is changed before. To changing.
        case running(End)
        /// On the way to paused, or back to running: there when the task ends.
        case changing(since: Date, Task<Void, Never>)
        /// Everything in it is stopped, for as long as nobody resumes or kills it. To changing.
        case paused(since: Date)
    }

    private struct End {
        let instant: ContinuousClock.Instant
        let date: Date

        init(in seconds: Int) {
            instant = .now + .seconds(seconds)
            date = .now + TimeInterval(seconds)
        }

        var isOver: Bool { instant <= .now }
    }

    init(_ order: SandboxOrder, in container: Container) {
        id = SandboxID.make()
        self.container = container
        self.order = order
        phase = Mutex(.running(End(in: order.timeout)))
    }

    /// When it ends unless that is changed before; of a paused one, when it was paused.
    var endAt: Date {
        phase.withLock { phase in
            switch phase {
            case .running(let end): end.date
            case .changing(let since, _), .paused(let since): since
            }
        }
    }

    /// Whether requests get to it.
    var isRunning: Bool {
        phase.withLock { if case .running(let end) = $0 { !end.isOver } else { false } } && !container.hasEnded
    }

    /// Whether it has run to its end, and nothing has been done about it yet.
    var isExpired: Bool {
        phase.withLock { if case .running(let end) = $0 { end.isOver } else { false } }
    }

    /// Lets it live for this many seconds from now; false if it does not run.
    func setTimeout(_ seconds: Int) -> Bool {
        phase.withLock { phase in
            guard case .running = phase else { return false }
            phase = .running(End(in: seconds))
            return true
        }
    }

    /// The same, unless that would shorten its life.
    func extend(to seconds: Int) -> Bool {
        phase.withLock { phase in
            guard case .running(let old) = phase, !old.isOver else { return false }
            let end = End(in: seconds)
            if end.instant > old.instant { phase = .running(end) }
            return true
        }
    }

    /// Stops everything in it; false if it does not run. Its end is no more: it stays paused until it is
    /// resumed or killed.
    func pause() async -> Bool {
        let change: Task<Void, Never>? = phase.withLock { phase in
            guard case .running = phase else { return nil }
            let change = Task {
                await container.pause()
                self.phase.withLock { $0 = .paused(since: .now) }
            }
            phase = .changing(since: .now, change)
            return change
        }
        await change?.value
        return change != nil
    }

    /// Lets everything in it go on, for this many seconds, as soon as what has begun, a pause or the end of one, is complete;
    /// false if it is not paused then.
    func resume(for seconds: Int) async -> Bool {
        while case .changing(_, let begun) = phase.withLock({ $0 }) { await begun.value }
        let change: Task<Void, Never>? = phase.withLock { phase in
            guard case .paused(let since) = phase else { return nil }
            let change = Task {
                container.resume()
                self.phase.withLock { $0 = .running(End(in: seconds)) }
            }
            phase = .changing(since: since, change)
            return change
        }
        await change?.value
        return change != nil
    }

    /// What envd's `/envs` would answer: the variables of the create, and those E2B adds.
    var environment: [String: String] {
        order.environment.merging([
            "E2B_SANDBOX": "true", "E2B_SANDBOX_ID": id, "E2B_TEMPLATE_ID": order.template,
        ]) { own, _ in own }
    }
}

/// What a caller asks of a new sandbox.
struct SandboxOrder: Sendable, Equatable {
    var template: String
    /// Seconds it lives, if nobody changes that.
    var timeout: Int
    /// Whose it is.
    var team: String?
    var metadata: [String: String] = [:]
    var environment: [String: String] = [:]
    /// Whether it is paused at its end, and not killed.
    var pausesAtTimeout = false
    /// Whether envd wants a token.
    var isSecure = true
    /// Whether the other ports are open without a token.
    var allowsPublicTraffic = true
}

/// E2B's sandbox ids: `i` and twenty of `a`-`z` and `0`-`9`.
enum SandboxID {
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789")

    static func make() -> String {
        "i" + String((0..<20).map { _ in alphabet[Int.random(in: alphabet.indices)] })
    }

    /// The id in a path or header, which may have the legacy form `id-clientid`; nil if it cannot be one.
    static func parse(_ text: some StringProtocol) -> String? {
        let id = text.prefix { $0 != "-" }
        let isValid = !id.isEmpty && id.utf8.count <= 57 && id.utf8.allSatisfy(isLetterOrDigit)
        return isValid ? String(id) : nil
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}

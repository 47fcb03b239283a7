import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import NIOFoundationCompat

/// Port 49983 of a sandbox: envd, the daemon in every one of them.
///
/// Who may ask is judged here; what is asked is done by a program in the sandbox (`Resources/envd`), as the
/// sandbox's user and with its sight of the files. No token ever gets in there.
struct Envd: Sendable {
    let sandbox: Sandbox
    let tokens: SandboxTokens

    /// Largest message of a call, in bytes; files are as large as the sandbox has room.
    private static let maximumMessage = 16 << 20
    /// For an answer to begin. Callers give up much earlier; user code may have stopped envd for good.
    private static let longestWait = Duration.seconds(600)

    func respond(to request: Request) async throws -> Response {
        do {
            switch EnvdRoute(request) {
            case .health:
                return Response(status: .noContent)
            case .environment, .metrics:
                try demandToken(request)
                return try await reply(to: request, carrying: .nothing)
            case .files:
                try judgeFileAccess(request)
                return try await reply(to: request, carrying: request.method == .get ? .nothing : .stream)
            case .call:
                try demandToken(request)
                return try await reply(to: request, carrying: .message)
            case .inputStream:
                try demandToken(request)
                var response = try await reply(to: request, carrying: .stream)
                response.headers[.connection] = "close"  // an answer may come before the end of the request
                return response
            case nil:
                let message = "\(request.method) \(request.uri.path) is not offered by the local E2B"
                throw EnvdRefusal(.notFound, message)
            }
        } catch let refusal as EnvdRefusal {
            return refusal.response
        }
    }

    // MARK: Judgement

    private func demandToken(_ request: Request) throws(EnvdRefusal) {
        guard sandbox.order.isSecure else { return }
        guard tokens.isValid(request.headers[.envdToken], .envd, of: sandbox.id) else { throw .unauthorized }
    }

    /// A token that is there has to be right; without one a signature does.
    private func judgeFileAccess(_ request: Request) throws(EnvdRefusal) {
        guard sandbox.order.isSecure else { return }
        if let token = request.headers[.envdToken], !token.isEmpty {
            if tokens.isValid(token, .envd, of: sandbox.id) { return }
            throw EnvdRefusal(.unauthorized, "access token present in header but does not match")
        }
        guard let query = try? FileQuery(request.uri.query), query["signature"] != nil else {
            throw EnvdRefusal(.unauthorized, "missing signature query parameter")
        }
        guard let signed = FileSignature(request), signed.isValid(tokens.token(.envd, of: sandbox.id)) else {
            throw EnvdRefusal(.unauthorized, "invalid signature")
        }
        if signed.isExpired() { throw EnvdRefusal(.unauthorized, "signature is already expired") }
    }

    // MARK: Exchange

    private enum Load {
        case nothing
        /// Read here to its end, so that the caller's departure is noticed while the answer comes.
        case message
        /// Passed on as it comes.
        case stream
    }

    private func reply(to request: Request, carrying load: Load) async throws -> Response {
        var request = request
        var message: ByteBuffer?
        if load == .message {
            do {
                message = try await request.collectBody(upTo: Self.maximumMessage)
            } catch is NIOTooManyBytesError {
                throw EnvdRefusal(.contentTooLarge, "a message may have \(Self.maximumMessage) bytes at most")
            }
        }
        let exchange = try open(try ExchangeRequestHead(request, environment: sandbox.environment))
        guard let exchange else { return EdgeRefusal.tooManyConnections(sandbox.id) }
        let answer = EnvdAnswer(exchange)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { [message, body = request.body] in
                    switch load {
                    case .nothing: exchange.request.finish(.complete)
                    case .message: await exchange.carry(in: message)
                    case .stream: try await exchange.carry(in: body)
                    }
                }
                if load != .stream {
                    group.addTask {
                        try await Task.sleep(for: Self.longestWait)
                        exchange.cut()
                    }
                }
                try await answer.awaitHead()
                group.cancelAll()  // who has answered wants no more of the request
            }
        } catch is EnvdAnswer.Failure {
            return sandbox.isRunning
                ? EdgeRefusal.portClosed(SandboxAddress(sandbox: sandbox.id, port: E2B.envdPort))
                : EdgeRefusal.notFound(sandbox.id)
        }
        return load == .message ? answer.streamed(to: request) : answer.response
    }

    private func open(_ head: ExchangeRequestHead) throws -> Exchange? {
        let encoded = try JSONEncoder().encodeAsByteBuffer(head, allocator: ByteBufferAllocator())
        do {
            return try sandbox.container.openExchange(head: encoded)
        } catch .tooMany {
            return nil
        } catch .unreachable {
            let gone = Exchange(head: encoded)
            gone.cut()
            return gone
        }
    }
}

/// What of envd there is. Everything else answers 404, as what is only for E2B's own hosts does at the edge.
private enum EnvdRoute {
    case health, environment, metrics, files, call, inputStream

    init?(_ request: Request) {
        let path = request.uri.path
        switch (request.method, path) {
        case (.get, "/health"): self = .health
        case (.get, "/envs"): self = .environment
        case (.get, "/metrics"): self = .metrics
        case (.get, "/files"), (.post, "/files"): self = .files
        case (.post, "/process.Process/StreamInput"): self = .inputStream
        case (.post, _) where path.hasPrefix("/process.Process/") || path.hasPrefix("/filesystem.Filesystem/"):
            self = .call
        default: return nil
        }
    }
}

extension Exchange {
    /// The whole body of a request.
    fileprivate func carry(in message: ByteBuffer?) async {
        if let message, message.readableBytes > 0 { _ = await request.offer(message) }
        request.finish(.complete)
    }

    /// A body as it comes; cut if the caller breaks off. An answer that comes before the end stops it.
    fileprivate func carry(in body: RequestBody) async throws {
        do {
            for try await part in body {
                guard part.readableBytes > 0 else { continue }
                guard await request.offer(part) else { return }
            }
            if !Task.isCancelled { request.finish(.complete) }
        } catch {
            if !Task.isCancelled { request.finish(.cut) }
        }
    }
}

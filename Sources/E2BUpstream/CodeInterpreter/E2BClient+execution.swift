import CurlTransport
import Foundation
import HTTPTypes
import NIOCore
import NIOFoundationCompat

extension E2BClient {
    /// Runs code in a fresh sandbox's default context.
    ///
    /// Sets context data and environment up first; then the code goes out exactly as it is.
    ///
    /// - Returns: the events of the code itself, as they come.
    /// - Throws: any ``UpstreamFailure``; ``UpstreamFailure/sandboxGone`` if the sandbox has ended.
    public func execute(_ order: CodeOrder, in sandbox: Sandbox) async throws(UpstreamFailure) -> ExecutionEvents {
        try await setUp(order, in: sandbox)
        return try await send(order.code, to: sandbox)
    }

    private func setUp(_ order: CodeOrder, in sandbox: Sandbox) async throws(UpstreamFailure) {
        var events = try await send(try SetupCode.text(for: order), to: sandbox).makeAsyncIterator()
        while let event = try await events.next() {
            if case .exception(let name, _, _) = event { throw .broken("the setup raised \(name.prefix(60))") }
        }
    }

    private func send(_ code: String, to sandbox: Sandbox) async throws(UpstreamFailure) -> ExecutionEvents {
        let port = Self.codeInterpreterPort
        let base = endpoints.base(port: port, sandboxID: sandbox.id, domain: sandbox.domain)
        var request = OutgoingRequest(method: .post, url: base + "/execute")
        request.headers[.contentType] = "application/json"
        request.headers[.sandboxID] = sandbox.id
        request.headers[.sandboxPort] = String(port)
        request.headers[.accessToken] = sandbox.accessToken
        request.headers[.trafficToken] = sandbox.trafficToken
        request.deadlines.connect = .seconds(5)
        request.deadlines.idle = Self.longestSilence
        guard let body = try? JSONEncoder().encode(ExecuteBody(code: code)) else {
            throw .contextInvalid("the code cannot be sent")
        }
        request.body = .bytes(ByteBuffer(data: body))

        let response: IncomingResponse
        do {
            response = try await transport.send(request)
        } catch {
            throw UpstreamFailure(error)
        }
        guard response.status == 200 else { throw await Self.failure(of: response) }
        return ExecutionEvents(body: response.body, maximumLineBytes: Self.maximumLineBytes)
    }

    private static let codeInterpreterPort = 49999
    /// A result with a large picture is one line; nothing sensible is longer.
    private static let maximumLineBytes = 32 * 1024 * 1024
    /// Upstream says something every 5 s, if only `keepalive`.
    private static let longestSilence = Duration.seconds(30)

    /// What the data plane's refusals mean; the edge's 502 says in words which it is.
    private static func failure(of response: IncomingResponse) async -> UpstreamFailure {
        let body = (try? await response.body.collect(upTo: 64 * 1024)).map { String(buffer: $0) } ?? ""
        switch response.status {
        case 401, 403: return .credentialRefused
        case 429, 503: return .capacity(retryAfter: nil)
        case 502 where body.contains("was not found"): return .sandboxGone
        case 504: return .timedOut
        default: return .refused(status: response.status, message: String(body.prefix(200)))
        }
    }
}

/// The body of `/execute`. The SDK sends all four members; `env_vars` stays null because the server would paste its
/// values unescaped into code.
private struct ExecuteBody: Encodable {
    let code: String

    enum CodingKeys: String, CodingKey {
        case code, language
        case contextID = "context_id"
        case environment = "env_vars"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(code, forKey: .code)
        try container.encodeNil(forKey: .contextID)
        try container.encodeNil(forKey: .language)
        try container.encodeNil(forKey: .environment)
    }
}

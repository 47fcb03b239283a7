import CurlTransport
import HTTPTypes
import NIOCore

extension E2BClient {
    /// The code interpreter's port in every sandbox.
    static let interpreterPort = 49999

    /// The body of `/execute`. The SDK sends all four fields, nulls included. Environment variables never go here:
    /// the server pastes them into code between quotes.
    private struct Execute: Encodable {
        enum CodingKeys: String, CodingKey {
            case code, context_id, language, env_vars
        }

        let code: String

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(code, forKey: .code)
            try container.encodeNil(forKey: .context_id)
            try container.encodeNil(forKey: .language)
            try container.encodeNil(forKey: .env_vars)
        }
    }

    /// Runs code in a sandbox that has run nothing yet, in one request. Returns when the event stream begins; a kernel
    /// that could not be prepared is ``UpstreamFailure/broken(_:)``, thrown by the events.
    public func execute(_ order: CodeOrder, in sandbox: Sandbox) async throws(UpstreamFailure) -> ExecutionEvents {
        let port = Self.interpreterPort
        let host = endpoints.sandbox(sandbox.id, port: port, domain: sandbox.domain)
        var request = OutgoingRequest(method: .post, url: "\(host)/execute", deadlines: order.deadlines)
        request.headers[.contentType] = "application/json"
        request.headers[.sandboxID] = sandbox.id
        request.headers[.sandboxPort] = "\(port)"
        request.headers[.accessToken] = sandbox.accessToken?.text
        request.headers[.trafficToken] = sandbox.trafficToken?.text
        request.body = .bytes(try json(Execute(code: CodeCell.source(for: order))))
        let response: IncomingResponse
        do {
            response = try await send(request, for: .execute)
        } catch {
            throw UpstreamFailure(error)
        }
        guard response.status == 200 else { throw await Refusal(response).failure(from: .sandbox) }
        return ExecutionEvents(response.body, maximumEventBytes: order.maximumEventBytes)
    }
}

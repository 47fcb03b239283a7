import CurlTransport
import Foundation
import HTTPTypes
import NIOCore
import NIOFoundationCompat

/// A caller of a gateway, as the `run` and `demo` commands are.
struct GatewayCaller: Sendable {
    /// The body of `POST /v1/executions`.
    struct Order: Encodable, Sendable {
        var code: String
        var contextData: String?
        var timeoutSeconds: Double?

        enum CodingKeys: String, CodingKey {
            case code
            case contextData = "context_data"
            case timeoutSeconds = "timeout_seconds"
        }
    }

    let transport: CurlClient
    let url: String
    let token: String

    /// Reads `GATEWAY_URL` and `GATEWAY_TOKEN`; the token is never an argument, where others could see it.
    init(transport: CurlClient, environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        guard let token = environment["GATEWAY_TOKEN"], !token.isEmpty else {
            throw CommandFailure("GATEWAY_TOKEN is not set. An administrator makes one: e2b-gateway key issue TENANT")
        }
        self.init(transport: transport, url: environment["GATEWAY_URL"] ?? "http://127.0.0.1:8080", token: token)
    }

    init(transport: CurlClient, url: String, token: String) {
        self.transport = transport
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.token = token
    }

    /// The whole reply as the gateway's JSON document.
    func document(_ order: Order) async throws -> ByteBuffer {
        let response = try await send(order, accept: "application/json")
        return try await response.body.collect(upTo: 64 * 1024 * 1024)
    }

    /// Streams the execution and hands each event on as it comes.
    func stream(_ order: Order, _ handle: (ClientEvent) throws -> Void) async throws {
        let response = try await send(order, accept: "application/x-ndjson")
        var pending = ByteBuffer()
        for try await chunk in response.body {
            pending.writeImmutableBuffer(chunk)
            while let length = pending.readableBytesView.firstIndex(of: UInt8(ascii: "\n")).map({
                $0 - pending.readerIndex
            }) {
                guard let line = pending.readSlice(length: length), pending.readInteger(as: UInt8.self) != nil else {
                    break
                }
                try handle(try JSONDecoder().decode(ClientEvent.self, from: line))
            }
            pending.discardReadBytes()
        }
    }

    private func send(_ order: Order, accept: String) async throws -> IncomingResponse {
        let body = ByteBuffer(data: try JSONEncoder().encode(order))
        var request = OutgoingRequest(method: .post, url: url + "/v1/executions", body: .bytes(body))
        request.headers = [.authorization: "Bearer \(token)", .contentType: "application/json", .accept: accept]
        let response: IncomingResponse
        do {
            response = try await transport.send(request)
        } catch {
            throw CommandFailure("The gateway at \(url) cannot be reached (\(error)). Is GATEWAY_URL right?")
        }
        guard response.status == 200 else {
            let text = try await response.body.collect(upTo: 1024 * 1024)
            throw RefusedByGateway(status: response.status, body: text)
        }
        return response
    }
}

/// A refusal, told as its problem document tells it.
struct RefusedByGateway: Error, CustomStringConvertible {
    let description: String

    init(status: Int, body: ByteBuffer) {
        struct Problem: Decodable {
            let title: String
            let detail: String
            let request_id: String
        }
        if let problem = try? JSONDecoder().decode(Problem.self, from: body) {
            description = "\(problem.title): \(problem.detail) (status \(status), request \(problem.request_id))"
        } else {
            description = "The answer had status \(status) and was no gateway's."
        }
    }
}

/// One event of a stream; which members are there depends on `type`.
struct ClientEvent: Decodable {
    let type: String
    var id: String?
    var text: String?
    var traceback: String?
    var outcome: String?
    var error: String?
    var runtimeMilliseconds: Int64?
    var png: String?
    var jpeg: String?
    var svg: String?
    var problem: Problem?

    struct Problem: Decodable {
        let title: String
        let detail: String
    }

    enum CodingKeys: String, CodingKey {
        case type, id, text, traceback, outcome, error, png, jpeg, svg, problem
        case runtimeMilliseconds = "runtime_ms"
    }
}

import Auth
import CurlTransport
import Foundation
import Gateway
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
        /// Not part of the body: the header `Idempotency-Key`.
        var idempotencyKey: String?

        enum CodingKeys: String, CodingKey {
            case code
            case contextData = "context_data"
            case timeoutSeconds = "timeout_seconds"
        }
    }

    let transport: CurlClient
    let url: String
    let token: String
    /// Sign the requests instead of sending the token.
    let signs: Bool

    /// With `GATEWAY_URL` and `GATEWAY_TOKEN`; the token is never an argument, where others could see it.
    init(transport: CurlClient, settings: Settings, signs: Bool) throws {
        guard let token = settings.token else {
            throw CommandFailure("GATEWAY_TOKEN is not set. An administrator makes one: e2b-gateway key issue TENANT")
        }
        self.init(
            transport: transport, url: settings.url,
            token: try PresentedToken.checked(token, from: SettingName.token.rawValue), signs: signs
        )
    }

    init(transport: CurlClient, url: String, token: String, signs: Bool = false) {
        self.signs = signs
        self.transport = transport
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.token = token
    }

    /// The whole reply as the gateway's JSON document.
    func document(_ order: Order) async throws -> ByteBuffer {
        let response = try await send(order, accept: "application/json")
        return try await response.body.collect(upTo: Self.maximumDocumentBytes)
    }

    /// Streams the execution and hands each event on as it comes.
    func stream(_ order: Order, _ handle: (ClientEvent) throws -> Void) async throws {
        let response = try await send(order, accept: "application/x-ndjson")
        do {
            try await read(response.body, handle)
        } catch is TransportFailure {
            throw LostExecution("The connection to the gateway broke off; what the code did is not known.")
        }
    }

    private func read(_ body: ResponseBody, _ handle: (ClientEvent) throws -> Void) async throws {
        var pending = ByteBuffer()
        for try await chunk in body {
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

    private static let idempotencyKey: HTTPField.Name = {
        guard let name = HTTPField.Name("Idempotency-Key") else { preconditionFailure("a valid header name") }
        return name
    }()

    private static let maximumDocumentBytes = 1024 * 1024 * 1024

    private func authorize(_ request: inout OutgoingRequest, body: ByteBuffer) throws {
        guard signs else {
            request.headers[.authorization] = "Bearer \(token)"
            return
        }
        let signer: RequestSigner
        do {
            signer = RequestSigner(try Token(parsing: token))
        } catch {
            throw CommandFailure("GATEWAY_TOKEN is not a token of this gateway (\(error)); it cannot sign.")
        }
        let headers = signer.headers(
            for: try SignableRequest(request), body: Array(body.readableBytesView),
            created: Int64(Date().timeIntervalSince1970), nonce: RequestSigner.newNonce()
        )
        for header in headers {
            guard let name = HTTPField.Name(header.name) else { continue }
            request.headers[name] = header.value
        }
    }

    private func send(_ order: Order, accept: String) async throws -> IncomingResponse {
        let body = ByteBuffer(data: try JSONEncoder().encode(order))
        var request = OutgoingRequest(method: .post, url: url + "/v1/executions", body: .bytes(body))
        request.headers = [.contentType: "application/json", .accept: accept]
        if let key = order.idempotencyKey { request.headers[Self.idempotencyKey] = key }
        // A document comes when the code has ended, however long that takes; the gateway keeps the time.
        request.deadlines.idle = nil
        try authorize(&request, body: body)
        let response: IncomingResponse
        do {
            response = try await transport.send(request)
        } catch .invalidRequest {
            throw CommandFailure("GATEWAY_URL \"\(url)\" is not a URL such as http://127.0.0.1:8080.")
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

extension SignableRequest {
    /// What libcurl is about to send, as the gateway will see it.
    init(_ request: OutgoingRequest) throws(CommandFailure) {
        guard let target = URLComponents(string: request.url), let scheme = target.scheme,
            let host = target.percentEncodedHost
        else { throw CommandFailure("GATEWAY_URL is not a URL such as http://127.0.0.1:8080.") }
        self.init(
            method: request.method.rawValue, scheme: scheme,
            authority: host + (target.port.map { ":\($0)" } ?? ""),
            path: target.percentEncodedPath, query: target.percentEncodedQuery,
            fields: request.headers.map { (name: $0.name.rawName, value: $0.value) }
        )
    }
}

/// An execution that began and was lost to the caller's sight.
struct LostExecution: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
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

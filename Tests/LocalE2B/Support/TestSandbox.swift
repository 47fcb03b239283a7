import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import Testing

/// A sandbox made for a test, through HTTP.
struct TestSandbox: Sendable {
    let id: String
    let envdToken: String?
    let trafficToken: String?
    let http: PlainHTTP

    static let key: HTTPHeaders = ["X-API-Key": "e2b_00"]

    /// Creates a sandbox, hands it to `body`, and ends it.
    static func with<Result: Sendable>(
        _ order: [String: Any] = [:], _ body: @Sendable (TestSandbox) async throws -> Result
    ) async throws -> Result {
        let sandbox = try await create(order)
        do {
            let result = try await body(sandbox)
            try await sandbox.kill()
            return result
        } catch {
            try await sandbox.kill()
            throw error
        }
    }

    static func create(_ order: [String: Any] = [:]) async throws -> TestSandbox {
        let http = RunningServer.current.http
        let order = ["templateID": "code-interpreter-v1", "timeout": 120].merging(order) { $1 }
        let reply = try await http.send(.POST, "/v2/sandboxes", headers: key, body: json(order))
        try #require(reply.status == 201, "\(reply.text)")
        let document = try object(reply.body)
        return TestSandbox(
            id: try #require(document["sandboxID"] as? String), envdToken: document["envdAccessToken"] as? String,
            trafficToken: document["trafficAccessToken"] as? String, http: http
        )
    }

    func kill() async throws {
        _ = try await http.send(.DELETE, "/sandboxes/\(id)", headers: Self.key)
    }

    /// Headers of a data-plane request to a port.
    func headers(port: Int = 49999) -> HTTPHeaders {
        var headers: HTTPHeaders = ["E2b-Sandbox-Id": id, "E2b-Sandbox-Port": "\(port)"]
        if let envdToken { headers.add(name: "X-Access-Token", value: envdToken) }
        if let trafficToken { headers.add(name: "E2B-Traffic-Access-Token", value: trafficToken) }
        return headers
    }

    /// Runs code to its end.
    func execute(_ code: String, context: String? = nil, variables: [String: String]? = nil) async throws -> [Event] {
        let reply = try await post("/execute", Self.request(code, context, variables))
        try #require(reply.status == 200, "\(reply.text)")
        return try Event.all(in: reply.body)
    }

    /// All that code prints.
    func output(of code: String, context: String? = nil) async throws -> String {
        try await execute(code, context: context).filter { $0.type == "stdout" }.map(\.text).joined()
    }

    static func request(_ code: String, _ context: String? = nil, _ variables: [String: String]? = nil) -> ByteBuffer {
        var request: [String: Any] = ["code": code]
        request["context_id"] = context
        request["env_vars"] = variables
        return json(request)
    }

    func post(_ path: String, _ body: ByteBuffer = ByteBuffer()) async throws -> PlainHTTP.Reply {
        try await http.send(.POST, path, headers: headers(), body: body)
    }
}

/// One line of a reply to `/execute`.
struct Event: @unchecked Sendable {
    let fields: [String: Any]

    var type: String { fields["type"] as? String ?? "" }
    var text: String { fields["text"] as? String ?? "" }
    var name: String { fields["name"] as? String ?? "" }

    static func all(in body: ByteBuffer) throws -> [Event] {
        try body.readableBytesView.split(separator: UInt8(ascii: "\n")).map { line in
            let value = try JSONSerialization.jsonObject(with: Data(line))
            return Event(fields: try #require(value as? [String: Any]))
        }
    }
}

func json(_ value: Any) -> ByteBuffer {
    guard let data = try? JSONSerialization.data(withJSONObject: value) else { return ByteBuffer() }
    return ByteBuffer(data: data)
}

func object(_ body: ByteBuffer) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(buffer: body)) as? [String: Any])
}

func objects(_ body: ByteBuffer) throws -> [[String: Any]] {
    try #require(try JSONSerialization.jsonObject(with: Data(buffer: body)) as? [[String: Any]])
}

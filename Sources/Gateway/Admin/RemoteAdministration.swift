public import CurlTransport
import Foundation
import HTTPTypes
import NIOCore
import NIOFoundationCompat

/// Administration through a running gateway.
public struct RemoteAdministration: Administration {
    /// The way in.
    public enum Door: Sendable {
        /// The control socket at this path.
        case socket(path: String)
        /// The administrators' listener at this base URL, with an admin token.
        case listener(url: String, token: String)
    }

    private let transport: CurlClient
    private let door: Door

    /// Through one of the doors.
    public init(transport: CurlClient, through door: Door) {
        self.transport = transport
        self.door = door
    }

    /// Makes a tenant with the default policy.
    public func createTenant(_ name: String) async throws -> TenantView {
        try await call(.createTenant, body: ["name": name])
    }

    /// All tenants by name.
    public func tenants() async throws -> [TenantView] { try await call(.listTenants) }

    /// One tenant.
    public func tenant(_ name: String) async throws -> TenantView { try await call(.getTenant, ["tenant": name]) }

    /// Makes a key and its token.
    public func issueKey(for tenant: String) async throws -> IssuedKeyView {
        try await call(.issueKey, ["tenant": tenant])
    }

    /// All keys, or those of one tenant.
    public func keys(of tenant: String?) async throws -> [KeyView] {
        try await call(.listKeys, query: ["tenant": tenant])
    }

    /// Revokes a key by its id, at once.
    public func revokeKey(_ id: String) async throws -> KeyView { try await call(.revokeKey, ["key_id": id]) }

    /// Makes a key's successor; the old one goes on for the overlap.
    public func rotateKey(_ id: String, overlapSeconds: Double) async throws -> IssuedKeyView {
        try await call(.rotateKey, ["key_id": id], body: ["overlap_seconds": overlapSeconds])
    }

    /// All admin tokens, without what opens anything.
    public func adminTokens() async throws -> [AdminTokenView] { try await call(.listAdminTokens) }

    /// Makes an admin token; with all admin scopes if none are named.
    public func issueAdminToken(named name: String, scopes: [String]?) async throws -> IssuedAdminTokenView {
        struct Body: Encodable {
            let name: String
            let scopes: [String]?
        }
        return try await call(.issueAdminToken, body: Body(name: name, scopes: scopes))
    }

    /// Revokes an admin token by its id, at once.
    public func revokeAdminToken(_ id: String) async throws -> AdminTokenView {
        try await call(.revokeAdminToken, ["key_id": id])
    }

    // MARK: One call

    private static let maximumReplyBytes = 64 * 1024 * 1024

    func call<Reply: Decodable>(
        _ operation: Operation, _ parameters: [String: String] = [:], query: [String: String?] = [:],
        body: (any Encodable)? = nil
    ) async throws -> Reply {
        let path = try target(operation, parameters, query)
        var request: OutgoingRequest
        switch door {
        case .socket(let socket):
            request = OutgoingRequest(method: operation.method, url: "http://gateway" + path, unixSocket: socket)
        case .listener(let url, let token):
            let base = url.hasSuffix("/") ? String(url.dropLast()) : url
            request = OutgoingRequest(method: operation.method, url: base + path)
            request.headers[.authorization] = "Bearer \(token)"
        }
        if let body {
            request.headers[.contentType] = "application/json"
            request.body = .bytes(ByteBuffer(data: try JSONEncoder().encode(body)))
        }
        let response = try await transport.send(request)
        let reply = try await response.body.collect(upTo: Self.maximumReplyBytes)
        guard (200..<300).contains(response.status) else {
            guard let problem = try? JSONDecoder().decode(ProblemDocument.self, from: reply) else {
                throw Problem(.internalError, "The answer had status \(response.status) and was no gateway's.")
            }
            throw Problem(
                problem.type.split(separator: "/").last.flatMap { ProblemType(rawValue: String($0)) } ?? .internalError,
                problem.detail)
        }
        if let nothing = NoReply() as? Reply { return nothing }
        return try JSONDecoder().decode(Reply.self, from: reply)
    }

    /// Of what is answered with no document.
    struct NoReply: Decodable {}

    private func target(
        _ operation: Operation, _ parameters: [String: String], _ query: [String: String?]
    ) throws -> String {
        var path = operation.path
        for (name, value) in parameters { path = path.replacing("{\(name)}", with: try escaped(value)) }
        let items = try query.sorted { $0.key < $1.key }.compactMap { name, value in
            try value.map { "\(name)=\(try escaped($0))" }
        }
        return path + (items.isEmpty ? "" : "?" + items.joined(separator: "&"))
    }

    private func escaped(_ text: String) throws -> String {
        let unreserved = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
        try MisplacedToken.refused(text)
        guard !text.isEmpty, let escaped = text.addingPercentEncoding(withAllowedCharacters: unreserved) else {
            throw Problem(.invalidRequest, "A name may not be empty.")
        }
        return escaped
    }
}

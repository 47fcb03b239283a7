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

    /// Those tenants that fit, by name.
    public func tenants(_ filter: TenantFilter) async throws -> [TenantView] {
        try await list(.listTenants, query: filter.query)
    }

    /// One tenant, and which state of it this is.
    public func versionedTenant(_ name: String) async throws -> Versioned<TenantView> {
        try await versioned(.getTenant, ["tenant": name])
    }

    /// Makes a key and its token.
    public func issueKey(for tenant: String) async throws -> IssuedKeyView {
        try await call(.issueKey, ["tenant": tenant])
    }

    /// Those keys that fit, the oldest first.
    public func keys(_ filter: KeyFilter) async throws -> [KeyView] {
        try await list(.listKeys, query: filter.query)
    }

    /// Revokes a key by its id, at once.
    public func revokeKey(_ id: String) async throws -> KeyView { try await call(.revokeKey, ["key_id": id]) }

    /// Makes a key's successor; the old one goes on for the overlap.
    public func rotateKey(_ id: String, overlapSeconds: Double) async throws -> IssuedKeyView {
        try await call(.rotateKey, ["key_id": id], body: ["overlap_seconds": overlapSeconds])
    }

    /// Those admin tokens that fit, without what opens anything, the oldest first.
    public func adminTokens(_ filter: AdminTokenFilter) async throws -> [AdminTokenView] {
        try await list(.listAdminTokens, query: filter.query)
    }

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
        body: (any Encodable)? = nil, onlyIf conditions: Preconditions = .none
    ) async throws -> Reply {
        try await send(operation, to: target(operation, parameters, query), body: body, onlyIf: conditions).reply
    }

    /// Something with the tag of its state, as the reply says it.
    func versioned<Value: Decodable & Sendable>(
        _ operation: Operation, _ parameters: [String: String] = [:]
    ) async throws -> Versioned<Value> {
        let (value, headers): (Value, HTTPFields) = try await send(operation, to: target(operation, parameters, [:]))
        guard let tag = EntityTag(header: headers[.eTag]) else {
            throw Problem(.internalError, "The gateway is older than this command: it says no entity tag.")
        }
        return Versioned(value: value, tag: tag)
    }

    /// All pages of a list, or as many as hold so many elements.
    func list<Element: Decodable>(
        _ operation: Operation, _ parameters: [String: String] = [:], query: [String: String?] = [:],
        atMost limit: Int = .max
    ) async throws -> [Element] {
        let query = query.merging(["limit": "\(min(limit, ListPage.longest))"]) { $1 }
        var next: String? = try target(operation, parameters, query)
        var all: [Element] = []
        while all.count < limit, let path = next {
            let (page, headers): ([Element], HTTPFields) = try await send(operation, to: path)
            all += page
            next = ListPage.next(of: headers)
        }
        return Array(all.prefix(limit))
    }

    private func send<Reply: Decodable>(
        _ operation: Operation, to path: String, body: (any Encodable)? = nil, onlyIf conditions: Preconditions = .none
    ) async throws -> (reply: Reply, headers: HTTPFields) {
        var request: OutgoingRequest
        switch door {
        case .socket(let socket):
            request = OutgoingRequest(method: operation.method, url: "http://gateway" + path, unixSocket: socket)
        case .listener(let url, let token):
            let base = url.hasSuffix("/") ? String(url.dropLast()) : url
            request = OutgoingRequest(method: operation.method, url: base + path)
            request.headers[.authorization] = "Bearer \(token)"
        }
        request.headers.append(contentsOf: conditions.headers)
        if operation.hasIdempotencyKey { request.headers[.idempotencyKey] = UUID().uuidString }
        if let body {
            request.headers[.contentType] = "application/json"
            request.body = .bytes(ByteBuffer(data: try JSONEncoder().encode(body)))
        }
        let answer = try await answer(to: request, changing: operation.changesSomething)
        guard (200..<300).contains(answer.status) else {
            guard let problem = answer.problem else {
                throw Problem(.internalError, "The answer had status \(answer.status) and was no gateway's.")
            }
            throw Problem(
                problem.type.split(separator: "/").last.flatMap { ProblemType(rawValue: String($0)) } ?? .internalError,
                problem.detail)
        }
        if let nothing = NoReply() as? Reply { return (nothing, answer.headers) }
        return (try JSONDecoder().decode(Reply.self, from: answer.body), answer.headers)
    }

    /// One exchange.
    func exchange(_ request: OutgoingRequest) async throws -> Answer {
        let response = try await transport.send(request)
        let body = try await response.body.collect(upTo: Self.maximumReplyBytes)
        return Answer(status: response.status, headers: response.headers, body: body)
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

extension RemoteAdministration {
    /// Whether what answers is a gateway's listener for callers, where nothing is administered: it takes an admin token for
    /// one that is not valid.
    public func isAtListenerForCallers() async -> Bool {
        guard case .listener(let url, _) = door else { return false }
        let base = url.hasSuffix("/") ? String(url.dropLast()) : url
        let request = OutgoingRequest(method: .get, url: base + Operation.getMetrics.path)
        guard let answer = try? await exchange(request), answer.status == 404 else { return false }
        return answer.problem?.type == ProblemType.notFound.path
    }
}

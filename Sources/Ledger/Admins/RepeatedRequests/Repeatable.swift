import Auth
import Quota

/// What an administrator makes, and gets again by repeating the request under its idempotency key.
protocol Repeatable: Sendable {
    /// A word for it.
    static var kind: String { get }
    /// The key whose token is minted again for a repeated request; nil of what has none.
    var mintedKey: (id: KeyID, tenant: String?)? { get }
    /// All of it but what opens anything, as text.
    func kept() throws -> String
    /// As it was made, from that text.
    ///
    /// - Throws: ``LedgerFailure/keyRevokedSince(_:)`` where its token opens nothing any more.
    init(kept text: String, in draft: Draft) throws
}

extension Repeatable {
    var mintedKey: (id: KeyID, tenant: String?)? { nil }
}

extension Tenant: Repeatable {
    static let kind = "tenant"

    private struct Kept: Codable {
        let id: Int64
        let handle: String
        let name: String
        let createdAt: Moment
    }

    func kept() throws -> String {
        try Document.text(Kept(id: id, handle: handle, name: name, createdAt: createdAt))
    }

    init(kept text: String, in draft: Draft) throws {
        let kept: Kept = try Document.value(from: text)
        self.init(id: kept.id, handle: kept.handle, name: kept.name, createdAt: kept.createdAt)
    }
}

extension IssuedKey: Repeatable {
    static let kind = "key"

    private struct Kept: Codable {
        let id: KeyID
        let tenant: String
        let tenantName: String
        let createdAt: Moment
    }

    var mintedKey: (id: KeyID, tenant: String?)? { (key.id, key.tenant) }

    func kept() throws -> String {
        try Document.text(
            Kept(id: key.id, tenant: key.tenant, tenantName: key.tenantName, createdAt: key.createdAt))
    }

    init(kept text: String, in draft: Draft) throws {
        let kept: Kept = try Document.value(from: text)
        guard let key = draft.key(kept.id)?.record else { throw LedgerFailure.damaged("key/\(kept.id)") }
        guard key.rolled(to: draft.now).state != .revoked else { throw LedgerFailure.keyRevokedSince("\(kept.id)") }
        var record = KeyRecord(id: kept.id, tenant: kept.tenant, createdAt: kept.createdAt)
        record.tenantName = kept.tenantName
        self.init(key: record, token: Token.mint(kept.id, secret: try draft.secret(of: kept.id, in: .key)))
    }
}

extension IssuedAdminKey: Repeatable {
    static let kind = "admin_token"

    private struct Kept: Codable {
        let id: KeyID
    }

    var mintedKey: (id: KeyID, tenant: String?)? { (key.id, nil) }

    func kept() throws -> String { try Document.text(Kept(id: key.id)) }

    init(kept text: String, in draft: Draft) throws {
        let id = try Document.value(Kept.self, from: text).id
        guard let key = draft.adminKey(id)?.record else { throw LedgerFailure.damaged("admin_key/\(id)") }
        guard key.state == .active else { throw LedgerFailure.keyRevokedSince("\(id)") }
        self.init(key: key, token: Token.mint(id, secret: try draft.secret(of: id, in: .adminKey)))
    }
}

extension RuntimeCredit: Repeatable {
    static let kind = "credit"

    func kept() throws -> String { try Document.text(self) }

    init(kept text: String, in draft: Draft) throws { self = try Document.value(from: text) }
}

extension UpstreamKeyRecord: Repeatable {
    static let kind = "upstream_key"

    private struct Kept: Codable {
        let id: String
        let team: String
        let role: Role
        let createdAt: Moment
    }

    func kept() throws -> String {
        try Document.text(Kept(id: id, team: team, role: role, createdAt: createdAt))
    }

    init(kept text: String, in draft: Draft) throws {
        let kept: Kept = try Document.value(from: text)
        self.init(
            id: kept.id, team: kept.team, role: kept.role, createdAt: kept.createdAt, roleSince: kept.createdAt)
    }
}

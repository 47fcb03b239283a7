import Auth
import Ledger

/// A key without its secret.
public struct KeyView: Codable, Sendable {
    /// The key id: 16 lowercase hex digits.
    public var keyID: String
    /// The tenant it belongs to.
    public var tenant: String
    /// When that tenant was deleted, RFC 3339, if it was. A tenant that is called the same now has none of its keys.
    public var tenantDeletedAt: String?
    /// `active`, `retiring`, `suspended` or `revoked`.
    public var state: String
    /// When it was made, RFC 3339.
    public var createdAt: String
    /// Since when it is suspended, RFC 3339, if it is.
    public var suspendedAt: String?
    /// By whom, as the audit log calls them.
    public var suspendedBy: String?
    /// Why, as its callers are told.
    public var suspensionReason: String?
    /// When it stops opening the door, if it was rotated, RFC 3339.
    public var expiresAt: String?
    /// The id of the key issued in its place, if it was rotated.
    public var successor: String?
    /// When it was revoked, RFC 3339.
    public var revokedAt: String?
    /// When it last authenticated a call, RFC 3339.
    public var lastUsedAt: String?
    /// How many calls it authenticated in the last hour.
    public var callsLastHour: Int
    /// How many calls it authenticated since midnight UTC.
    public var callsToday: Int

    /// What ``state`` may be.
    static let states = ["active", "retiring", "suspended", "revoked"]

    enum CodingKeys: String, CodingKey {
        case tenant, state, successor
        case keyID = "key_id"
        case tenantDeletedAt = "tenant_deleted_at"
        case createdAt = "created_at"
        case suspendedAt = "suspended_at"
        case suspendedBy = "suspended_by"
        case suspensionReason = "suspension_reason"
        case expiresAt = "expires_at"
        case revokedAt = "revoked_at"
        case lastUsedAt = "last_used_at"
        case callsLastHour = "calls_last_hour"
        case callsToday = "calls_today"
    }

    init(_ key: KeyRecord) {
        keyID = key.id.description
        tenant = key.tenantName
        tenantDeletedAt = key.tenantDeletedAt.map(Timestamp.text)
        suspendedAt = key.suspension.map { Timestamp.text($0.since) }
        suspendedBy = key.suspension?.by
        suspensionReason = key.suspension?.reason
        state = key.state.name
        createdAt = Timestamp.text(key.createdAt)
        expiresAt = key.expiresAt.map(Timestamp.text)
        successor = key.successor?.description
        revokedAt = key.revokedAt.map(Timestamp.text)
        lastUsedAt = key.lastUsedAt.map(Timestamp.text)
        callsLastHour = key.usesLastHour
        callsToday = key.usesToday
    }
}

/// A new key's token: shown once, and again only to the same request under its idempotency key.
public struct IssuedKeyView: Codable, Sendable {
    /// The key id: 16 lowercase hex digits.
    public var keyID: String
    /// The tenant it belongs to.
    public var tenant: String
    /// The credential, `e2b_` and hex digits.
    public var token: String

    enum CodingKeys: String, CodingKey {
        case tenant, token
        case keyID = "key_id"
    }

    init(_ issued: IssuedKey) {
        keyID = issued.key.id.description
        tenant = issued.key.tenantName
        token = issued.token.text
    }
}

/// An admin token without what opens anything.
public struct AdminTokenView: Codable, Sendable {
    /// The key id: 16 lowercase hex digits.
    public var keyID: String
    /// Whose it is.
    public var name: String
    /// What it allows.
    public var scopes: [String]
    /// `active` or `revoked`.
    public var state: String
    /// When it was made, RFC 3339.
    public var createdAt: String
    /// When it last authenticated a call, RFC 3339.
    public var lastUsedAt: String?

    enum CodingKeys: String, CodingKey {
        case name, scopes, state
        case keyID = "key_id"
        case createdAt = "created_at"
        case lastUsedAt = "last_used_at"
    }

    init(_ key: AdminKeyRecord) {
        keyID = key.id.description
        name = key.name
        scopes = key.scopes.map(\.rawValue).sorted()
        state = key.state.rawValue
        createdAt = Timestamp.text(key.createdAt)
        lastUsedAt = key.lastUsedAt.map(Timestamp.text)
    }
}

/// A new admin token: shown once, and again only to the same request under its idempotency key.
public struct IssuedAdminTokenView: Codable, Sendable {
    /// The key id: 16 lowercase hex digits.
    public var keyID: String
    /// Whose it is.
    public var name: String
    /// The credential, `e2b_` and hex digits.
    public var token: String

    enum CodingKeys: String, CodingKey {
        case name, token
        case keyID = "key_id"
    }

    init(_ issued: IssuedAdminKey) {
        keyID = issued.key.id.description
        name = issued.key.name
        token = issued.token.text
    }
}

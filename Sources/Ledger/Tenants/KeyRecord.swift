public import Auth
public import Quota

/// What the ledger tells of a key: everything but the secret.
public struct KeyRecord: Sendable, Hashable {
    /// Whether a key opens the door.
    public enum State: Sendable, Hashable {
        /// Tokens made from it are accepted. Can become: retiring, suspended, revoked.
        case active
        /// It has a successor; tokens made from it are accepted before this instant. Can become: suspended, revoked.
        case retiring(until: Moment)
        /// Tokens made from it are refused until it is resumed. Can become: active, retiring, revoked.
        case suspended
        /// Tokens made from it are refused, for good.
        case revoked

        /// `active`, `retiring`, `suspended` or `revoked`.
        public var name: String {
            switch self {
            case .active: "active"
            case .retiring: "retiring"
            case .suspended: "suspended"
            case .revoked: "revoked"
            }
        }
    }

    /// The key's public name.
    public let id: KeyID
    /// Whose key it is, by the tenant's handle.
    public let tenant: String
    /// What that tenant is called.
    public internal(set) var tenantName: String
    /// When that tenant was deleted, if it was: another may be called the same now.
    public internal(set) var tenantDeletedAt: Moment?
    /// When it was issued.
    public let createdAt: Moment
    /// When it was revoked, or retired for good; nil while it opens the door.
    public internal(set) var revokedAt: Moment?
    /// When it stops opening the door, or did, if it was rotated.
    public internal(set) var expiresAt: Moment?
    /// The key issued in its place, if it was rotated.
    public internal(set) var successor: KeyID?
    /// Why it opens nothing for a while; nil when it is not suspended.
    public internal(set) var suspension: Suspension?
    /// When a token of it was last accepted; written lazily, so a crash may forget the last second.
    public internal(set) var lastUsedAt: Moment?
    /// How many calls it was accepted for in the last 55 to 60 minutes, counted in steps of five. Written as
    /// ``lastUsedAt`` is.
    public internal(set) var usesLastHour = 0
    /// How many calls it was accepted for since midnight UTC. Written as ``lastUsedAt`` is.
    public internal(set) var usesToday = 0

    init(
        id: KeyID, tenant: String, createdAt: Moment, revokedAt: Moment? = nil, expiresAt: Moment? = nil,
        successor: KeyID? = nil, suspension: Suspension? = nil
    ) {
        self.id = id
        self.tenant = tenant
        tenantName = tenant
        self.createdAt = createdAt
        self.revokedAt = revokedAt
        self.expiresAt = expiresAt
        self.successor = successor
        self.suspension = suspension
    }

    /// Whether a key opens the door.
    public var state: State {
        if revokedAt != nil { return .revoked }
        if suspension != nil { return .suspended }
        return expiresAt.map(State.retiring) ?? .active
    }

    /// The record as it is at `now`: a deadline that has passed is a revocation at that instant.
    func rolled(to now: Moment) -> KeyRecord {
        var record = self
        if record.revokedAt == nil, let expiresAt, expiresAt <= now { record.revokedAt = expiresAt }
        return record
    }
}

/// A key at the only moment its token can be seen.
public struct IssuedKey: Sendable {
    /// What the ledger will tell of it from now on.
    public let key: KeyRecord
    /// The credential: to be shown once, to its owner.
    public let token: Token
}

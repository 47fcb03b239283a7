public import Auth
public import Quota

/// What the ledger tells of a key: everything but the secret.
public struct KeyRecord: Sendable, Hashable {
    /// Whether a key opens the door.
    public enum State: String, Sendable, Hashable, Codable, CaseIterable {
        /// Tokens made from it are accepted. Can become: revoked.
        case active
        /// Tokens made from it are refused, for good.
        case revoked
    }

    /// The key's public name.
    public let id: KeyID
    /// Whose key it is.
    public let tenant: String
    /// When it was issued.
    public let createdAt: Moment
    /// When it was revoked, if it was.
    public internal(set) var revokedAt: Moment?
    /// When a token of it was last accepted; written lazily, so a crash may forget the last second.
    public internal(set) var lastUsedAt: Moment?

    /// Whether a key opens the door.
    public var state: State { revokedAt == nil ? .active : .revoked }
}

/// A key at the only moment its token can be seen.
public struct IssuedKey: Sendable {
    /// What the ledger will tell of it from now on.
    public let key: KeyRecord
    /// The credential: to be shown once, to its owner.
    public let token: Token
}

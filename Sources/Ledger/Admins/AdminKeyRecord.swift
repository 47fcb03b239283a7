public import Auth
public import Quota

/// What the ledger tells of an administrator's key: everything but the secret. Several may be live for one name.
public struct AdminKeyRecord: Sendable, Hashable {
    /// Whether the key opens the door.
    public enum State: String, Sendable, Hashable, Codable, CaseIterable {
        /// Tokens made from it are accepted. Can become: revoked.
        case active
        /// Tokens made from it are refused, for good.
        case revoked
    }

    /// The key's public name.
    public let id: KeyID
    /// Who holds it, of the form of a tenant's name. A label for people and the audit log.
    public let name: String
    /// What it grants: some of `Scope.adminScopes`.
    public let scopes: Set<Scope>
    /// When it was issued.
    public let createdAt: Moment
    /// When it was revoked, if it was.
    public internal(set) var revokedAt: Moment?
    /// When a token of it was last accepted; written lazily, so a crash may forget the last second.
    public internal(set) var lastUsedAt: Moment?

    /// Whether the key opens the door.
    public var state: State { revokedAt == nil ? .active : .revoked }
}

/// An administrator's key at the only moment its token can be seen.
public struct IssuedAdminKey: Sendable {
    /// What the ledger will tell of it from now on.
    public let key: AdminKeyRecord
    /// The credential: to be shown once, to its owner.
    public let token: Token
}

/// Which administrator calls, as far as a token proves it.
public struct AdminPrincipal: Sendable, Hashable {
    /// The name under which the token was issued.
    public let name: String
    /// The key it was made from.
    public var keyID: KeyID { claims.keyID }
    /// What it may do: what its key grants and its caveats leave.
    public var scopes: Set<Scope> { claims.scopes }
    /// All that the token allows. Signed-only and source networks apply to administrators too.
    public let claims: Claims
}

public import Auth
public import Quota

/// Who calls, as far as a token proves it.
public struct Authenticated: Sendable {
    /// The tenant's name.
    public let tenant: String
    /// What the token allows.
    public let claims: Claims
    /// The tenant's limits at this moment.
    public let policy: Policy
}

/// Why a token was not accepted. Towards the caller an unknown, a revoked and a forged one must look the same; apart
/// from them, `expired` may be said, since only an honest holder gets there.
public enum AuthenticationFailure: Error, Equatable, Sendable {
    /// No key has this id.
    case unknownKey
    /// The token is genuine, its key revoked.
    case revokedKey
    /// The token is genuine, its tenant shut out.
    case tenantDisabled
    /// The token is forged or does not hold now.
    case refused(TokenFailure)
}

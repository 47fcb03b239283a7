public import Auth
public import Quota

/// Who calls, as far as a token proves it.
public struct Authenticated: Sendable {
    /// The tenant, by its handle, which stays when it is renamed.
    public let tenant: String
    /// What the tenant is called.
    public let tenantName: String
    /// What the token allows.
    public let claims: Claims
    /// The tenant's limits at this moment.
    public let policy: Policy
}

/// Why a token or a signature was not accepted. Towards the caller an unknown, a revoked and a forged one must look the
/// same; apart from them, `expired` and the server's time may be said, since only an honest holder gets there.
public enum AuthenticationFailure: Error, Equatable, Sendable {
    /// No key has this id.
    case unknownKey
    /// The key is revoked, or past the deadline of its rotation; whether the token was genuine is not looked at.
    case revokedKey
    /// The token is genuine, its tenant shut out, for this reason if one was given.
    case tenantSuspended(String?)
    /// The token is genuine, its key suspended, for this reason if one was given.
    case keySuspended(String?)
    /// The token is forged or does not hold now. Of a signed request: the signature is genuine, its token does not hold.
    case refused(TokenFailure)
    /// The signature is forged, ill-formed, or not of this minute.
    case signature(SignatureFailure)
    /// The ledger has not been reached for so long that what is known of keys is not believed.
    case unavailable(String)

    /// Whether the proof itself failed, which a key that does not exist always makes it do.
    var isForgery: Bool { self == .refused(.forged) || self == .signature(.forged) }

    init(_ failure: SignatureFailure) {
        if case .token(let failure) = failure { self = .refused(failure) } else { self = .signature(failure) }
    }
}

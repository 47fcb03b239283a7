public import Auth
public import Quota

/// The nonce of a signed request, and how long it must be remembered.
public struct PresentedNonce: Sendable, Hashable {
    /// The nonce itself.
    public let text: String
    /// The first instant at which the request could not be accepted any more, whatever its nonce.
    public let until: Moment

    /// A nonce.
    public init(_ text: String, until: Moment) {
        self.text = text
        self.until = until
    }

    /// The nonce of a signature that held.
    public init(of signature: MessageSignature) {
        self.init(signature.nonce, until: Moment(seconds: signature.lastAcceptedSecond + 1))
    }
}

/// Why a nonce was not accepted.
public enum NonceFailure: Error, Sendable, Equatable {
    /// It was used with this key before.
    case replayed
    /// Its time is over, or the wall clock was set back to before it was, so that nobody can tell whether it was used.
    case late
    /// As many nonces are remembered as may be. None is forgotten early, so this refuses.
    case full
    /// The key was revoked, its token has expired, or its tenant was shut out, since the request began.
    case refused(AuthenticationFailure)
    /// The ledger cannot be written.
    case unavailable(String)
}

/// How many nonces may be remembered at once.
public struct NonceLimits: Sendable, Hashable {
    /// In all.
    public var total: Int
    /// Of one key, so that no key can fill the store for others.
    public var perKey: Int

    /// Limits; without arguments a million and a hundred thousand, which at two minutes each is 8,000 and 800 calls a
    /// second.
    public init(total: Int = 1_000_000, perKey: Int = 100_000) {
        self.total = total
        self.perKey = perKey
    }
}

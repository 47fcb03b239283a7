import Auth
public import Quota

/// The right to run one execution up to a ceiling. To be settled once, whatever becomes of the execution.
public struct Lease: Sendable, Hashable {
    /// The execution it is for.
    public let executionID: ExecutionID
    /// Whose it is, by the tenant's handle.
    public let tenant: String
    /// The ceiling, and whether it was lowered.
    public let grant: Grant
    /// The instant of admission.
    public let admittedAt: Moment
    /// What audit repeats in the outcome's record.
    let origin: Origin

    struct Origin: Sendable, Hashable {
        let keyID: KeyID
        let subject: String?
        let requestID: String
        let sourceAddress: String
        var traceID: String?
        var spanID: String?
    }

    /// What a shadow policy would have done.
    let shadowed: String?
    /// Whether the order had an idempotency key, so that something is left of it to whoever repeats it.
    public let isKeyed: Bool

    /// The ceiling in milliseconds.
    public var timeoutMilliseconds: Int64 { grant.timeoutMilliseconds }
    /// Whether the ceiling is lower than was asked for.
    public var wasLowered: Bool { grant.wasLowered }
}

/// Why an execution may not run.
public enum AdmissionFailure: Error, Sendable, Hashable {
    /// A limit is reached.
    case denied(Denial)
    /// The tenant is shut out, for this reason if one was given.
    case tenantSuspended(String?)
    /// The key is suspended, for this reason if one was given.
    case keySuspended(String?)
    /// The key that made the sandbox is suspended, whoever asks, for this reason if one was given.
    case makerSuspended(String?)
    /// Nothing new may begin, for this reason if one was given.
    case paused(String?)
    /// The key was revoked, is past the deadline of its rotation, or is not the tenant's, since the call was authenticated.
    case keyRevoked
    /// The credential has expired since the call was authenticated.
    case expired
    /// The policy demands signed requests since the call was authenticated.
    case notSigned
    /// The nonce was used with this key before.
    case replayed
    /// The signature is too old by now for anyone to tell whether its nonce was used.
    case late
    /// As many nonces are remembered as may be.
    case nonceStoreFull
    /// The ledger cannot be written; nothing may run unrecorded.
    case unavailable(String)
}

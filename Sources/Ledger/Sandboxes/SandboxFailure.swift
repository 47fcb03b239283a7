/// Why nothing was done to a sandbox.
public enum SandboxFailure: Error, Sendable, Hashable {
    /// There is no such sandbox, not any more, or it is not the caller's to reach; which of these is not said.
    case unknown
    /// It was ended before it was there; for this reason, in the audit log's words (``SandboxEnd``, ``EndedByAdministrator``).
    case endedInTheMaking(String)
    /// It is not in the state for this.
    case state(OwnedSandbox.State)
    /// The tenant has as many paused sandboxes as it may have.
    case tooManyPaused
    /// The idempotency key was used with another request.
    case idempotencyMismatch
    /// The first order with the idempotency key is still under way.
    case idempotencyInProgress
    /// Nobody knows whether the first order with the idempotency key made a sandbox.
    case idempotencyOutcomeUnknown
    /// A limit, or a credential that holds no more.
    case refused(AdmissionFailure)
}

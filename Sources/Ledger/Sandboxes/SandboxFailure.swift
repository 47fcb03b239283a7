/// Why nothing was done to a sandbox.
public enum SandboxFailure: Error, Sendable, Hashable {
    /// There is no such sandbox, not any more, or it is not the caller's to reach; which of these is not said.
    case unknown
    /// It is not in the state for this.
    case state(OwnedSandbox.State)
    /// The tenant has as many paused sandboxes as it may have.
    case tooManyPaused
    /// A limit, or a credential that holds no more.
    case refused(AdmissionFailure)
}

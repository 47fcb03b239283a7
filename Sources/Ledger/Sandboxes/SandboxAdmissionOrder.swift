public import Quota

/// Everything the ledger needs to know to let a tenant have a sandbox of its own.
public struct SandboxAdmissionOrder: Sendable {
    /// The sandbox's name here, new.
    public var handle: SandboxHandle
    /// Who asks.
    public var caller: SandboxCaller
    /// The template to make it from.
    public var template: String
    /// How long it is to live, in milliseconds.
    public var timeoutMilliseconds: Int64
    /// What becomes of it then.
    public var expiry: OwnedSandbox.Expiry
    /// The tenant's own labels.
    public var metadata: [String: String]
    /// Makes a repeated order answer with the first one's sandbox, if it comes from the same tenant and subject.
    public var idempotency: SandboxIdempotency?
    /// The refusal by rate that a shadow policy did not make of it.
    public var shadowedRate: Denial?

    /// An order.
    public init(
        handle: SandboxHandle, caller: SandboxCaller, template: String, timeoutMilliseconds: Int64,
        expiry: OwnedSandbox.Expiry = .kill, metadata: [String: String] = [:],
        idempotency: SandboxIdempotency? = nil, shadowedRate: Denial? = nil
    ) {
        self.handle = handle
        self.caller = caller
        self.template = template
        self.timeoutMilliseconds = timeoutMilliseconds
        self.expiry = expiry
        self.metadata = metadata
        self.idempotency = idempotency
        self.shadowedRate = shadowedRate
    }
}

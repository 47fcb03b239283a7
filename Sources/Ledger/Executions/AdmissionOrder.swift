public import Auth
public import Quota

/// Everything the ledger needs to know to let an execution run.
public struct AdmissionOrder: Sendable {
    /// The execution's name, new.
    public var executionID: ExecutionID
    /// Who asks, as authentication said.
    public var tenant: String
    /// With which key.
    public var keyID: KeyID
    /// On whose behalf.
    public var subject: String?
    /// The HTTP request.
    public var requestID: String
    /// The trace it belongs to, as 32 hex digits.
    public var traceID: String?
    /// The gateway's span in it, as 16 hex digits.
    public var spanID: String?
    /// Where it came from.
    public var sourceAddress: String
    /// The ceiling asked for, in milliseconds, caveats already applied; a value out of 1 ms to 24 h is moved into it.
    public var timeoutMilliseconds: Int64
    /// The template to run in.
    public var template: String
    /// The language of the code.
    public var language: String
    /// The code. Only its size and a keyed digest are kept.
    public var code: [UInt8]
    /// The context data, if there is any. Only its size and a keyed digest are kept.
    public var context: [UInt8]?
    /// The nonce of a signed request, to be accepted once in the commit of the admission. It is used up also when the
    /// execution is refused, except when the ledger is unavailable.
    public var nonce: PresentedNonce?
    /// The refusal by rate that a shadow policy did not make of it.
    public var shadowedRate: Denial?
    /// The credential's last valid second (Unix time), if it expires: a body may take longer to come than that.
    public var expiresAt: Int64?

    /// An order.
    public init(
        executionID: ExecutionID, tenant: String, keyID: KeyID, subject: String? = nil, requestID: String,
        sourceAddress: String, timeoutMilliseconds: Int64, template: String = "code-interpreter-v1",
        language: String = "python", code: [UInt8], context: [UInt8]? = nil,
        nonce: PresentedNonce? = nil, shadowedRate: Denial? = nil, expiresAt: Int64? = nil, traceID: String? = nil,
        spanID: String? = nil
    ) {
        self.executionID = executionID
        self.tenant = tenant
        self.keyID = keyID
        self.subject = subject
        self.requestID = requestID
        self.sourceAddress = sourceAddress
        self.timeoutMilliseconds = timeoutMilliseconds
        self.template = template
        self.language = language
        self.code = code
        self.context = context
        self.nonce = nonce
        self.shadowedRate = shadowedRate
        self.expiresAt = expiresAt
        self.traceID = traceID
        self.spanID = spanID
    }
}

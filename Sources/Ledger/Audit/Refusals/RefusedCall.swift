/// A call that was refused before it came to be judged in a commit, as the audit log tells it.
public struct RefusedCall: Sendable, Hashable {
    /// Who was refused.
    public enum Caller: Sendable, Hashable {
        /// Somebody without a valid credential; perhaps one that names this key of the ledger's, as 16 hex digits.
        case nobody(claimedKeyID: String?)
        /// A tenant, with a key and perhaps on behalf of a subject.
        case tenant(String, keyID: String, subject: String?)
        /// An administrator, perhaps by a token.
        case administrator(String, keyID: String?)
    }

    /// Who was refused.
    public var caller: Caller
    /// What was called, by the `operationId` of `openapi.yaml`; nil for a path that does not exist.
    public var operation: String?
    /// The port of a sandbox that was called; nil for a call to the gateway itself.
    public var port: Int?
    /// What of the sandbox was called; nil if it is nothing that is offered.
    public var pathClass: String?
    /// The sandbox, if the caller had its token.
    public var sandbox: SandboxHandle?
    /// Why, as the caller is told: the slug of a problem.
    public var reason: String
    /// Why, as it is not told.
    public var cause: String?
    /// Where it came from.
    public var sourceAddress: String
    /// The HTTP request.
    public var requestID: String
    /// The trace it belongs to, as 32 hex digits.
    public var traceID: String?
    /// The gateway's span in it, as 16 hex digits.
    public var spanID: String?

    /// A refusal.
    public init(
        of caller: Caller, calling operation: String?, reason: String, cause: String? = nil, sourceAddress: String,
        requestID: String, traceID: String? = nil, spanID: String? = nil
    ) {
        self.caller = caller
        self.operation = operation
        self.reason = reason
        self.cause = cause
        self.sourceAddress = sourceAddress
        self.requestID = requestID
        self.traceID = traceID
        self.spanID = spanID
    }

    /// Its record.
    var entry: AuditEntry {
        var entry: AuditEntry
        switch caller {
        case .nobody(let claimedKeyID):
            entry = AuditEntry(.authenticationRefused)
            entry.claimedKeyID = claimedKeyID
        case .tenant(let tenant, let keyID, let subject):
            entry = AuditEntry(.callRefused)
            entry.tenant = tenant
            entry.keyID = keyID
            entry.subject = subject?.recordable
        case .administrator(let name, let keyID):
            entry = AuditEntry(.administrationRefused)
            entry.actor = name
            entry.actorKeyID = keyID
        }
        entry.operation = operation
        entry.port = port.map(Int64.init)
        entry.pathClass = pathClass
        entry.sandboxHandle = sandbox?.text
        entry.outcome = AuditEntry.refused
        entry.reason = reason
        entry.cause = cause
        entry.sourceAddress = sourceAddress.recordable
        entry.requestID = requestID.recordable
        entry.traceID = traceID
        entry.spanID = spanID
        return entry
    }
}

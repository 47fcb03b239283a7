public import Quota

/// Which audit records are wanted, and from where on.
public struct AuditQuery: Sendable, Hashable {
    /// From which end the records come.
    public enum Order: String, Sendable, Hashable, CaseIterable {
        /// The oldest first.
        case oldest
        /// The newest first.
        case newest
    }

    /// Only of tenants that are or were called so, deleted ones as well.
    public var tenant: String?
    /// Only of the tenant with this handle.
    public var tenantHandle: String?
    /// Only those in which this key was used, claimed, changed, or administered: 16 hex digits.
    public var keyID: String?
    /// Only this subject's.
    public var subject: String?
    /// Only of this action.
    public var action: AuditAction?
    /// Only with this outcome, such as `completed` or `refused`.
    public var outcome: String?
    /// Only this execution's.
    public var execution: String?
    /// Only of the call with this id.
    public var requestID: String?
    /// Only of calls of this trace: 32 hex digits.
    public var traceID: String?
    /// Only records written at this instant or later.
    public var from: Moment?
    /// Only records written before this instant.
    public var to: Moment?
    /// From which end.
    public var order: Order
    /// Go on behind the record of this number, in the order wanted; nil begins at the end.
    public var cursor: Int64?
    /// At most this many, 1 to 1,000.
    public var limit: Int

    /// A query; without arguments the first hundred records.
    public init(
        tenant: String? = nil, tenantHandle: String? = nil, keyID: String? = nil, subject: String? = nil,
        action: AuditAction? = nil, outcome: String? = nil, execution: String? = nil, requestID: String? = nil,
        traceID: String? = nil, from: Moment? = nil, to: Moment? = nil,
        order: Order = .oldest, limit: Int = 100, after cursor: Int64? = nil
    ) {
        self.tenant = tenant
        self.tenantHandle = tenantHandle
        self.keyID = keyID
        self.subject = subject
        self.action = action
        self.outcome = outcome
        self.execution = execution
        self.requestID = requestID
        self.traceID = traceID
        self.from = from
        self.to = to
        self.order = order
        self.cursor = cursor
        self.limit = min(max(limit, 1), 1_000)
    }
}

/// Some of the records that were asked for.
public struct AuditPage: Sendable, Hashable {
    /// The records; possibly none although there are more, for no page looks at very many.
    public let records: [AuditRecord]
    /// What to go on behind; nil when all have been seen.
    public let next: Int64?
}

public import Quota

/// Which executions are asked for; the newest come first.
public struct ExecutionQuery: Sendable, Hashable {
    /// Of one tenant only.
    public var tenant: String?
    /// Only those that ended so.
    public var outcome: Outcome?
    /// Only those that run, or are over.
    public var state: ExecutionRecord.State?
    /// Only those admitted at this instant or later.
    public var from: Moment?
    /// Only those admitted before this instant.
    public var to: Moment?
    /// Only those admitted before the execution of this id.
    public var after: String?
    /// At most so many.
    public var limit: Int

    /// A query.
    public init(
        tenant: String? = nil, outcome: Outcome? = nil, state: ExecutionRecord.State? = nil, from: Moment? = nil,
        to: Moment? = nil, after: String? = nil, limit: Int = 100
    ) {
        self.tenant = tenant
        self.outcome = outcome
        self.state = state
        self.from = from
        self.to = to
        self.after = after
        self.limit = limit
    }
}

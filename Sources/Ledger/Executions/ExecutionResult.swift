public import Quota

/// What became of an execution, as told to the ledger.
public struct ExecutionResult: Sendable, Hashable {
    /// How it ended.
    public var outcome: Outcome
    /// Why it ended so, in a word such as `deadline` or `upstream_unreachable`.
    public var reason: String?
    /// How long a sandbox was held for it, in milliseconds; 0 when none was.
    public var heldMilliseconds: Int64
    /// Bytes of output.
    public var outputBytes: Int64
    /// The name of the exception the code raised.
    public var exceptionName: String?

    /// A result.
    public init(
        outcome: Outcome, reason: String? = nil, heldMilliseconds: Int64, outputBytes: Int64,
        exceptionName: String? = nil
    ) {
        self.outcome = outcome
        self.reason = reason
        self.heldMilliseconds = heldMilliseconds
        self.outputBytes = outputBytes
        self.exceptionName = exceptionName
    }
}

/// What the settlement of an execution came to.
public struct SettledExecution: Sendable, Hashable {
    /// Runtime charged, in milliseconds.
    public let chargedMilliseconds: Int64
    /// Time held beyond the ceiling, in milliseconds; not charged.
    public let overrunMilliseconds: Int64
    /// Each runtime limit of the tenant in its current window after the charge.
    public let remaining: [RuntimeRemaining]
    /// Whether it had been settled before, in which case nothing was changed and the figures are those of that time.
    public let wasSettledBefore: Bool
}

/// How long the ledger keeps what is over.
public struct Retention: Sendable, Hashable {
    /// How long executions are kept after they were admitted: 62 days, so that no window outlives what was used in it, to
    /// ten years.
    public var executions = Duration.seconds(90 * 86_400)
    /// How long audit records are kept, and code that was recorded; never shorter than executions are.
    public var audit = Duration.seconds(400 * 86_400)

    /// The month that runs, and the one before it.
    public static let shortest = Duration.seconds(62 * 86_400)

    /// 90 days and 400 days.
    public static let standard = Retention()

    /// Periods of at least ``shortest``; records are kept at least as long as the executions they speak of.
    public init(executions: Duration = .seconds(90 * 86_400), audit: Duration = .seconds(400 * 86_400)) {
        self.executions = max(executions, Self.shortest)
        self.audit = max(audit, self.executions)
    }
}

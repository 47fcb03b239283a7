/// How an execution ended.
public enum Outcome: String, Codable, Sendable, CaseIterable {
    /// The code ran to its end.
    case completed
    /// The code raised, or could not be run.
    case failed
    /// The ceiling was reached.
    case timed_out
    /// Whoever asked for it called it off.
    case cancelled
    /// The gateway or the sandbox died under it.
    case killed
}

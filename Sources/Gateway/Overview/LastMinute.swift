import Ledger

/// What one gateway did within the last minute.
public struct LastMinute: Codable, Sendable {
    /// Calls that were served, by how they ended.
    public let calls: [String: Int64]
    /// Executions, by their outcome.
    public let executions: [String: Int64]
    /// Calls that were refused, by the type of the problem.
    public let refusals: [String: Int64]

    init(_ step: HistoryStep) {
        calls = step.calls
        executions = step.executions
        refusals = step.refusals
    }
}

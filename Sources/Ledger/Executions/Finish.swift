import Quota

/// The end of an execution as its row and its audit record tell it.
struct Finish {
    let outcome: Outcome
    let reason: String?
    let settlement: Settlement
    let outputBytes: Int64
    let exception: String?

    init(_ result: ExecutionResult, _ settlement: Settlement) {
        outcome = result.outcome
        reason = result.reason?.recordable
        self.settlement = settlement
        outputBytes = max(0, result.outputBytes)
        exception = result.exceptionName?.recordable
    }

    func write(_ execution: String, in draft: Draft) throws {
        try draft.execute(
            """
            UPDATE execution
            SET finished_at = ?, outcome = ?, reason = ?, charged = ?, credit = ?, overrun = ?, output_bytes = ?,
                exception = ?
            WHERE id = ?
            """,
            [
                draft.now.nanoseconds, outcome.rawValue, reason, settlement.chargedMilliseconds,
                settlement.creditMilliseconds, settlement.overrunMilliseconds, outputBytes, exception, execution,
            ]
        )
    }

    func describe(in entry: inout AuditEntry, sandboxes: [String]) {
        entry.outcome = outcome.rawValue
        entry.reason = reason
        entry.runtime = settlement.chargedMilliseconds
        entry.credit = settlement.creditMilliseconds == 0 ? nil : settlement.creditMilliseconds
        entry.overrun = settlement.overrunMilliseconds
        entry.outputBytes = outputBytes
        entry.exception = exception
        entry.sandbox = sandboxes.isEmpty ? nil : sandboxes.joined(separator: " ")
    }
}

import GRDB
import Quota

/// The calls of a tenant as the ledger recorded them: executions, and those that a limit refused.
///
/// What was refused for its rate is not in it, since that leaves no record.
struct RecordedHistory {
    let tenant: Tenant
    let since: Moment

    /// Feeds every call in order of time, and whether it was refused.
    func forEach(in database: Database, _ body: (RecordedCall, _ wasRefused: Bool) -> Void) throws {
        let calls = try Row.fetchCursor(
            database,
            sql: """
                SELECT admitted_at AS at, timeout_asked AS asked, subject,
                    CASE WHEN outcome = 'killed' AND charged = 0 THEN NULL ELSE charged + overrun END AS held,
                    (finished_at - admitted_at) / 1000000 - charged - overrun AS waited, 0 AS refused
                FROM execution WHERE rowid >= :first AND tenant = :tenant AND admitted_at >= :since
                UNION ALL
                SELECT json_extract(record, '$.at_ms') * 1000000, json_extract(record, '$.timeout_asked_ms'),
                    json_extract(record, '$.subject'), NULL, NULL, 1
                FROM audit
                WHERE tenant = :name AND json_extract(record, '$.action') = 'execution.refused'
                    AND json_extract(record, '$.at_ms') >= :since / 1000000
                    AND (json_extract(record, '$.reason') IN ('executions', 'sandboxes')
                        OR json_extract(record, '$.reason') LIKE 'runtime\\_%' ESCAPE '\\'
                        OR json_extract(record, '$.reason') LIKE 'subject\\_%' ESCAPE '\\')
                ORDER BY at
                """,
            arguments: [
                "first": try firstRow(in: database), "tenant": tenant.id, "since": since.nanoseconds,
                "name": tenant.name,
            ]
        )
        while let row = try calls.next() {
            body(
                RecordedCall(
                    at: Moment(nanoseconds: row["at"]),
                    demand: Demand(kind: .execution, timeoutMilliseconds: row["asked"]),
                    subject: row["subject"], heldMilliseconds: row["held"], waitedMilliseconds: row["waited"] ?? 0
                ),
                row["refused"]
            )
        }
    }

    /// How long an execution of the time held its sandbox on average, in milliseconds.
    func meanHeldMilliseconds(in database: Database) throws -> Int64 {
        let sql = """
            SELECT cast(avg(charged + overrun) AS INTEGER) FROM execution
            WHERE rowid >= ? AND tenant = ? AND admitted_at >= ? AND NOT (outcome = 'killed' AND charged = 0)
            """
        let arguments: StatementArguments = [try firstRow(in: database), tenant.id, since.nanoseconds]
        return try Int64.fetchOne(database, sql: sql, arguments: arguments) ?? 0
    }

    private func firstRow(in database: Database) throws -> Int64 {
        try ExecutionStore.firstNumber(admittedSince: since, in: database) ?? 0
    }
}

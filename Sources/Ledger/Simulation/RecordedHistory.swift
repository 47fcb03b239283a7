import GRDB
import Quota

/// The calls of a tenant as the ledger recorded them: executions, and those that a limit or the rate refused. Of refusals
/// that were counted in one record it is only known from when to when they came; they are taken to have come evenly.
struct RecordedHistory {
    let tenant: Tenant
    let since: Moment
    /// What a call asked for that was refused by rate, before anybody read what it asks for.
    let standardTimeoutMilliseconds: Int64

    /// Feeds every call in order of time, and whether it was refused.
    ///
    /// - Returns: how many more were refused: of those that one record counts a thousand are fed.
    func forEach(in database: Database, _ body: (RecordedCall, _ wasRefused: Bool) -> Void) throws -> Int {
        let calls = try Row.fetchCursor(
            database,
            sql: """
                SELECT admitted_at AS at, timeout_asked AS asked, subject,
                    CASE WHEN outcome = 'killed' AND charged = 0 THEN NULL ELSE charged + overrun END AS held,
                    (finished_at - admitted_at) / 1000000 - charged - overrun AS waited, NULL AS count, NULL AS until
                FROM execution WHERE rowid >= :first AND tenant = :tenant AND admitted_at >= :since
                UNION ALL
                SELECT CAST(coalesce(\(member("first_at_ms")), \(member("at_ms"))) * 1000000 AS INTEGER),
                    CAST(coalesce(\(member("timeout_asked_ms")), :timeout) AS INTEGER),
                    CAST(\(member("subject")) AS TEXT), NULL, NULL, CAST(coalesce(\(member("count")), 1) AS INTEGER),
                    CAST(coalesce(\(member("last_at_ms")), \(member("at_ms"))) * 1000000 AS INTEGER)
                FROM audit
                WHERE tenant = :name AND \(member("at_ms")) >= :since / 1000000 AND \(Self.isRefusedCall)
                ORDER BY at
                """,
            arguments: [
                "first": try firstRow(in: database), "tenant": tenant.id, "since": since.nanoseconds,
                "name": tenant.name, "timeout": standardTimeoutMilliseconds,
            ]
        )
        var refused = CountedCalls()
        while let row = try calls.next() {
            let at = Moment(nanoseconds: row["at"])
            refused.take(upTo: at) { body($0, true) }
            var call = RecordedCall(
                at: at, demand: Demand(kind: .execution, timeoutMilliseconds: row["asked"]),
                subject: row["subject"], heldMilliseconds: row["held"], waitedMilliseconds: row["waited"] ?? 0)
            guard let count: Int64 = row["count"] else {
                body(call, false)
                continue
            }
            call.at = max(at, since)
            refused.add(call, count, until: Moment(nanoseconds: row["until"]))
        }
        refused.take(upTo: Moment(nanoseconds: .max)) { body($0, true) }
        return refused.leftOut
    }

    /// Refused by a limit of admission, or by the rate.
    private static let isRefusedCall = """
        (\(member("action")) = '\(AuditAction.executionRefused.rawValue)'
            AND (\(member("reason")) IN ('executions', 'sandboxes')
                OR \(member("reason")) LIKE 'runtime\\_%' ESCAPE '\\' OR \(member("reason")) LIKE 'subject\\_%' ESCAPE '\\')
        OR \(member("action")) = '\(AuditAction.callRefused.rawValue)' AND \(member("reason")) = 'rate-limited'
            AND \(member("operation")) = 'createExecution')
        """

    private static func member(_ name: String) -> String {
        "CASE WHEN json_valid(record) THEN json_extract(record, '$.\(name)') END"
    }

    private func member(_ name: String) -> String { Self.member(name) }

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

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
    func forEach(in database: any SQLConnection, _ body: (RecordedCall, _ wasRefused: Bool) -> Void) throws -> Int {
        let dialect = database.dialect
        func member(_ name: String) -> String { dialect.text(name, of: "record") }
        // Within what a moment can be: whoever tampered with a record may have written anything.
        func number(_ name: String) -> String {
            let number = dialect.integer(name, of: "record")
            return "CASE WHEN \(number) BETWEEN 0 AND 9000000000000 THEN \(number) END"
        }
        let calls = try database.cursor(
            """
            SELECT admitted_at AS at, timeout_asked AS asked, subject,
                CASE WHEN outcome = 'killed' AND charged = 0 THEN NULL ELSE charged + overrun END AS held,
                (finished_at - admitted_at) / 1000000 - charged - overrun AS waited, NULL AS count, NULL AS until
            FROM execution WHERE rowid >= ?1 AND tenant = ?2 AND admitted_at >= ?3
            UNION ALL
            SELECT coalesce(\(number("first_at_ms")), \(number("at_ms"))) * 1000000,
                coalesce(\(number("timeout_asked_ms")), ?5), CAST(\(member("subject")) AS TEXT), NULL, NULL,
                coalesce(\(number("count")), 1), coalesce(\(number("last_at_ms")), \(number("at_ms"))) * 1000000
            FROM audit
            WHERE tenant = ?4 AND \(number("at_ms")) >= ?3 / 1000000 AND \(Self.isRefusedCall(member))
            ORDER BY at
            """,
            [
                try firstRow(in: database), tenant.id, since.nanoseconds, tenant.handle, standardTimeoutMilliseconds,
            ])
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
    private static func isRefusedCall(_ member: (String) -> String) -> String {
        """
        (\(member("action")) = '\(AuditAction.executionRefused.rawValue)'
            AND (\(member("reason")) IN ('executions', 'sandboxes')
                OR \(member("reason")) LIKE 'runtime\\_%' ESCAPE '\\' OR \(member("reason")) LIKE 'subject\\_%' ESCAPE '\\')
        OR \(member("action")) = '\(AuditAction.callRefused.rawValue)' AND \(member("reason")) = 'rate-limited'
            AND \(member("operation")) = 'createExecution')
        """
    }

    /// How long an execution of the time held its sandbox on average, in milliseconds.
    func meanHeldMilliseconds(in database: any SQLConnection) throws -> Int64 {
        let sql = """
            SELECT CAST(avg(charged + overrun) AS BIGINT) FROM execution
            WHERE rowid >= ? AND tenant = ? AND admitted_at >= ? AND NOT (outcome = 'killed' AND charged = 0)
            """
        let parameters: SQLParameters = [try firstRow(in: database), tenant.id, since.nanoseconds]
        return try database.value(Int64.self, sql, parameters) ?? 0
    }

    private func firstRow(in database: any SQLConnection) throws -> Int64 {
        try ExecutionStore.firstNumber(admittedSince: since, in: database) ?? 0
    }
}

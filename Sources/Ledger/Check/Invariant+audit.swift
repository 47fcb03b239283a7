import Quota

extension Invariant {
    /// Every audit record follows from the one before, up to the stored end.
    static let chain = Invariant("chain") { database, findings in
        guard let fault = try AuditChain.verify(in: database).fault else { return }
        findings.add("audit/\(fault.sequence)", fault.problem)
    }

    /// Every execution has one record of its intent.
    static let intents = Invariant("intents") { database, findings in
        let rows = try database.cursor(
            """
            SELECT execution.id, count(audit.sequence) AS records
            FROM execution LEFT JOIN audit
                ON audit.execution = execution.id
                    AND \(action(database.dialect)) = '\(AuditAction.executionAdmitted.rawValue)'
            WHERE execution.admitted_at >= ?
            GROUP BY execution.id HAVING count(audit.sequence) <> 1
            """, [try AuditChain.keptSince(in: database).nanoseconds])
        while let row = try rows.next() {
            let (id, records): (String, Int) = (row["id"], row["records"])
            findings.add("execution/\(id)", "has \(records) records of its admission instead of 1")
        }
    }

    /// Every finished execution has one record of its outcome, which says what its row says; a running one has none.
    static let outcomes = Invariant("outcomes") { database, findings in
        let dialect = database.dialect
        let rows = try database.cursor(
            """
            SELECT * FROM (
                SELECT execution.id, execution.finished_at IS NOT NULL AS finished, execution.charged,
                    execution.outcome, count(audit.sequence) AS records,
                    max(\(dialect.integer("runtime_ms", of: "audit.record"))) AS recorded_charge,
                    max(\(dialect.text("outcome", of: "audit.record"))) AS recorded_outcome
                FROM execution LEFT JOIN audit
                    ON audit.execution = execution.id
                        AND \(action(dialect)) = '\(AuditAction.executionFinished.rawValue)'
                WHERE execution.admitted_at >= ?
                GROUP BY execution.id
            ) AS sides
            WHERE records <> CASE WHEN finished THEN 1 ELSE 0 END OR recorded_charge IS DISTINCT FROM charged
                OR recorded_outcome IS DISTINCT FROM outcome
            """, [try AuditChain.keptSince(in: database).nanoseconds])
        while let row = try rows.next() {
            let (id, isFinished, records): (String, Bool, Int) = (row["id"], row["finished"], row["records"])
            func said(_ column: String) -> String { row.description(of: column) ?? "nothing" }
            findings.add(
                "execution/\(id)",
                records == (isFinished ? 1 : 0)
                    ? "is \(said("outcome")), charged \(said("charged")) ms; its audit record says "
                        + "\(said("recorded_outcome")), \(said("recorded_charge")) ms"
                    : "is \(isFinished ? "finished" : "running") and has \(records) records of its outcome"
            )
        }
    }

    /// No record speaks of an execution that does not exist, except of one that was refused, or forgotten in good order.
    static let recorded = Invariant("recorded") { database, findings in
        // The column names a tenant's own sandbox where a record concerns one.
        let action = action(database.dialect)
        let isOwned =
            try database.hasTable("owned_sandbox")
            ? """
             AND NOT EXISTS (SELECT 1 FROM owned_sandbox WHERE owned_sandbox.handle = audit.execution)
                AND \(action) IS DISTINCT FROM '\(AuditAction.sandboxRefused.rawValue)'
            """ : ""
        // Where others extend the chain, a record may be a little younger than the row it speaks of.
        let margin: Int64 = database.dialect == .sqlite ? 0 : 60_000
        let since = try KeptExecutions.since(in: database).map { $0.milliseconds + margin }
        let rows = try database.cursor(
            """
            SELECT sequence, execution, \(action) AS action FROM audit
            WHERE execution IS NOT NULL AND \(action) IS DISTINCT FROM '\(AuditAction.executionRefused.rawValue)'
                AND NOT EXISTS (SELECT 1 FROM execution WHERE execution.id = audit.execution)\(isOwned)
                AND coalesce(\(database.dialect.integer("at_ms", of: "audit.record")) >= ?, TRUE)
            ORDER BY sequence
            """, [since ?? Int64.min])
        while let row = try rows.next() {
            let (sequence, execution): (Int64, String) = (row["sequence"], row["execution"])
            findings.add("audit/\(sequence)", "speaks of \(execution), which does not exist")
        }
    }

    /// Code is kept of no execution whose intent does not say so.
    static let recordedCode = Invariant(
        "recorded code", of: "recorded_code",
        sql: { dialect in
            """
            SELECT 'recorded_code/' || execution AS row, 'is not spoken of in the chain' AS problem FROM recorded_code
            WHERE NOT EXISTS (
                SELECT 1 FROM audit
                WHERE audit.execution = recorded_code.execution
                    AND \(dialect.truth("code_recorded", of: "audit.record")))
            """
        })

    /// What a record is of; nothing for one that is not JSON, about which the chain complains.
    static func action(_ dialect: SQLDialect) -> String { dialect.text("action", of: "audit.record") }
}

import GRDB
import Quota

extension Invariant {
    /// Every audit record follows from the one before, up to the stored end.
    static let chain = Invariant("chain") { database, findings in
        guard let fault = try AuditChain.verify(in: database).fault else { return }
        findings.add("audit/\(fault.sequence)", fault.problem)
    }

    /// Every execution has one record of its intent.
    static let intents = Invariant("intents") { database, findings in
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT execution.id, count(audit.sequence) AS records
                FROM execution LEFT JOIN audit
                    ON audit.execution = execution.id AND \(action) = '\(AuditAction.executionAdmitted.rawValue)'
                WHERE execution.admitted_at >= ?
                GROUP BY execution.id HAVING records <> 1
                """,
            arguments: [try AuditChain.keptSince(in: database).nanoseconds]
        )
        while let row = try rows.next() {
            let (id, records): (String, Int) = (row["id"], row["records"])
            findings.add("execution/\(id)", "has \(records) records of its admission instead of 1")
        }
    }

    /// Every finished execution has one record of its outcome, which says what its row says; a running one has none.
    static let outcomes = Invariant("outcomes") { database, findings in
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT execution.id, execution.finished_at IS NOT NULL AS finished,
                    CAST(execution.charged AS TEXT) AS charged, execution.outcome, count(audit.sequence) AS records,
                    CAST(max(\(member("runtime_ms"))) AS TEXT) AS recorded_charge, max(\(member("outcome"))) AS recorded_outcome
                FROM execution LEFT JOIN audit
                    ON audit.execution = execution.id AND \(action) = '\(AuditAction.executionFinished.rawValue)'
                WHERE execution.admitted_at >= ?
                GROUP BY execution.id
                HAVING records <> finished OR recorded_charge IS NOT CAST(execution.charged AS TEXT)
                    OR recorded_outcome IS NOT execution.outcome
                """,
            arguments: [try AuditChain.keptSince(in: database).nanoseconds]
        )
        while let row = try rows.next() {
            let (id, isFinished, records): (String, Bool, Int) = (row["id"], row["finished"], row["records"])
            func said(_ column: String) -> String { String.fromDatabaseValue(row[column]) ?? "nothing" }
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
        let isOwned =
            try database.tableExists("owned_sandbox")
            ? """
             AND NOT EXISTS (SELECT 1 FROM owned_sandbox WHERE owned_sandbox.handle = audit.execution)
                AND action IS NOT '\(AuditAction.sandboxRefused.rawValue)'
            """ : ""
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT sequence, execution, \(action) AS action FROM audit
                WHERE execution IS NOT NULL AND action IS NOT '\(AuditAction.executionRefused.rawValue)'
                    AND NOT EXISTS (SELECT 1 FROM execution WHERE execution.id = audit.execution)\(isOwned)
                    AND coalesce(\(member("at_ms")) >= ?, TRUE)
                ORDER BY sequence
                """,
            arguments: [try KeptExecutions.since(in: database)?.milliseconds ?? Int64.min]
        )
        while let row = try rows.next() {
            let (sequence, execution): (Int64, String) = (row["sequence"], row["execution"])
            findings.add("audit/\(sequence)", "speaks of \(execution), which does not exist")
        }
    }

    /// Code is kept of no execution whose intent does not say so.
    static let recordedCode = Invariant(
        "recorded code", of: "recorded_code",
        sql: """
            SELECT 'recorded_code/' || execution AS row, 'is not spoken of in the chain' AS problem FROM recorded_code
            WHERE NOT EXISTS (
                SELECT 1 FROM audit
                WHERE audit.execution = recorded_code.execution AND \(member("code_recorded")) IS TRUE)
            """
    )

    static let action = member("action")

    /// A member of an audit record; nothing for a record that is not JSON, about which the chain complains.
    static func member(_ name: String) -> String {
        "CASE WHEN json_valid(audit.record) THEN json_extract(audit.record, '$.\(name)') END"
    }
}

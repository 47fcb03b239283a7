import Quota

extension Ledger {
    /// Settles what processes left running that are gone: called at the start of a gateway, and when another was taken for
    /// dead.
    ///
    /// Their leases are charged their ceilings, since nobody knows how long they held a sandbox; their executions end as
    /// killed with the reason `gateway_restarted`, their sandboxes are marked for destruction, and all of it is audited.
    /// Leases of those that live are left alone, so calling it again does no harm.
    public func recover() async throws(LedgerFailure) -> RecoveryReport {
        try await recoverSandboxes()
        var report = RecoveryReport(executions: [], chargedMilliseconds: 0, sandboxes: [])
        let isOver = turns.isOver("lease.epoch")
        // In portions, so that calls already coming in need not wait for thousands.
        while true {
            let portion = try await commits.submit { draft in
                try Self.end(where: isOver, [], as: .leftBehind, in: &draft)
            }
            guard !portion.executions.isEmpty else { return report }
            report.executions += portion.executions
            report.chargedMilliseconds += portion.chargedMilliseconds
            report.sandboxes += portion.sandboxes
        }
    }

    /// How executions end that nobody settles who ran them.
    enum Orphaned {
        /// Whoever ran them is gone: nobody knows for how long they held a sandbox, so it is taken for all of their time.
        case leftBehind
        /// Nobody ever ran them, for this reason.
        case neverRan(String)

        fileprivate var reason: String {
            switch self {
            case .leftBehind: "gateway_restarted"
            case .neverRan(let reason): reason
            }
        }

        /// What becomes of the execution's idempotency key.
        fileprivate var keyEnd: ExecutionKeyStore.End {
            switch self {
            case .leftBehind: .state(.lost)
            case .neverRan: .freed
            }
        }

        fileprivate func held(of grant: Grant) -> Int64 {
            switch self {
            case .leftBehind: grant.timeoutMilliseconds
            case .neverRan: 0
            }
        }
    }

    /// Settles up to a hundred leases, those of which the condition holds.
    static func end(
        where condition: String, _ parameters: SQLParameters, as orphaned: Orphaned, in draft: inout Draft
    ) throws -> RecoveryReport {
        let rows = try draft.database.rows(
            """
            SELECT execution.*, lease.grant_document, tenant.name AS tenant_name
            FROM lease JOIN execution ON execution.id = lease.execution JOIN tenant ON tenant.id = lease.tenant
            WHERE \(condition) ORDER BY execution.admitted_at, execution.id LIMIT 100
            """, parameters)
        var report = RecoveryReport(executions: [], chargedMilliseconds: 0, sandboxes: [])
        for row in rows { try end(row, as: orphaned, in: &draft, report: &report) }
        return report
    }

    private static func end(
        _ row: SQLRow, as orphaned: Orphaned, in draft: inout Draft, report: inout RecoveryReport
    ) throws {
        let record = ExecutionRecord(row: row)
        guard let account = draft.account(record.tenant) else { throw LedgerFailure.noSuchTenant(record.tenant) }
        let grant = try Document.value(Grant.self, from: row["grant_document"])
        let sandboxes = try draft.database.values(
            String.self, "SELECT id FROM sandbox WHERE execution = ?", [record.id])

        let held = orphaned.held(of: grant)
        let lease = EndedLease(
            record, grant, of: account, heldMilliseconds: held, wasShadowed: !row.isNull("shadowed"))
        let (settlement, _) = try lease.settle(in: &draft)
        try draft.execute("DELETE FROM lease WHERE execution = ?", [record.id])
        try doom(sandboxes, of: record.id, in: draft)

        let finish = Finish(
            ExecutionResult(
                outcome: .killed, reason: orphaned.reason, heldMilliseconds: held, outputBytes: 0
            ), settlement)
        try finish.write(record.id, in: draft)
        try ExecutionKeyStore.end(record.id, of: account.tenant, as: orphaned.keyEnd, in: draft)
        var entry = AuditEntry(.executionFinished)
        entry.actor = "gateway"
        entry.tenant = record.tenant
        entry.keyID = record.keyID
        entry.subject = record.subject
        entry.requestID = record.requestID
        entry.execution = record.id
        entry.timeoutGranted = grant.timeoutMilliseconds
        finish.describe(in: &entry, sandboxes: sandboxes)
        try draft.audit(entry)

        report.executions.append(record.id)
        report.chargedMilliseconds += settlement.chargedMilliseconds
        report.sandboxes += sandboxes
    }
}

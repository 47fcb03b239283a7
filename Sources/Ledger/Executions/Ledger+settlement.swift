import Quota

extension Ledger {
    /// Ends a lease: charges what was used, records the outcome, marks its sandboxes for destruction, all in one commit.
    ///
    /// Exactly once: settling again changes nothing and says so. When the ledger cannot be written this throws, and the
    /// settlement is kept and tried again by ``run()``; the caller need not come back.
    ///
    /// - Parameter remainder: what is left to whoever repeats the request, if it had an idempotency key: in the same commit,
    ///   so that no execution is over whose reply may still get lost.
    public func settle(
        _ lease: Lease, with result: ExecutionResult, leaving remainder: Remainder = .state(.lost)
    ) async throws(LedgerFailure) -> SettledExecution {
        let (held, claimed) = (held, claimed)
        let end = end(lease, leaving: remainder)
        let settlement: @Sendable (inout Draft) throws -> SettledExecution = { draft in
            try Self.settle(lease, with: result, end, sandboxes: held.of(lease.executionID), in: &draft)
        }
        let settled: SettledExecution
        do {
            settled = try await commits.submit(.tenant(lease.tenant)) { draft in
                let settled = try settlement(&draft)
                draft.afterCommit {
                    held.forget(lease.executionID)
                    claimed.drop(lease.executionID)
                }
                return settled
            }
        } catch {
            debts.owe(
                Debts.Debt(reach: .tenant(lease.tenant)) { draft in
                    _ = try settlement(&draft)
                    draft.afterCommit {
                        held.forget(lease.executionID)
                        claimed.drop(lease.executionID)
                    }
                })
            throw error
        }
        return settled
    }

    private static func settle(
        _ lease: Lease, with result: ExecutionResult, _ end: ExecutionKeyStore.End?, sandboxes: [String],
        in draft: inout Draft
    ) throws -> SettledExecution {
        let id = lease.executionID.text
        try doom(sandboxes, of: id, in: draft)
        let wasSettledBefore = try draft.database.change("DELETE FROM lease WHERE execution = ?", [id]) == 0
        guard let account = draft.account(lease.tenant) else {
            throw LedgerFailure.noSuchTenant(lease.tenant)
        }
        if wasSettledBefore {
            var entry = lease.entry(.settlementRepeated)
            entry.outcome = result.outcome.rawValue
            try draft.audit(entry)
            return try settledBefore(id, account: account, in: draft)
        }

        let ended = EndedLease(lease, of: account, heldMilliseconds: result.heldMilliseconds, result.outputBytes)
        let (settlement, usage) = try ended.settle(in: &draft)
        try Finish(result, settlement).write(id, in: draft)
        if let end { try ExecutionKeyStore.end(id, of: account.tenant, as: end, in: draft) }
        var entry = lease.entry(.executionFinished)
        Finish(result, settlement).describe(in: &entry, sandboxes: sandboxes)
        try draft.audit(entry)
        return SettledExecution(
            chargedMilliseconds: settlement.chargedMilliseconds, overrunMilliseconds: settlement.overrunMilliseconds,
            remaining: usage.remaining(under: account.policy, at: draft.now), wasSettledBefore: false
        )
    }

    private static func settledBefore(
        _ id: String, account: Books.Account, in draft: Draft
    ) throws -> SettledExecution {
        let sql = "SELECT charged, overrun FROM execution WHERE id = ?"
        let row = try draft.database.row(sql, [id])
        let charged: Int64? = row?["charged"]
        let overrun: Int64? = row?["overrun"]
        return SettledExecution(
            chargedMilliseconds: charged ?? 0, overrunMilliseconds: overrun ?? 0,
            remaining: account.usage.remaining(under: account.policy, at: draft.now), wasSettledBefore: true
        )
    }
}

extension Lease {
    /// What audit repeats about the lease in every record that concerns it.
    func entry(_ action: AuditAction) -> AuditEntry {
        var entry = AuditEntry(action)
        entry.tenant = tenant
        entry.keyID = "\(origin.keyID)"
        entry.subject = origin.subject
        entry.requestID = origin.requestID
        entry.traceID = origin.traceID
        entry.spanID = origin.spanID
        entry.sourceAddress = origin.sourceAddress
        entry.execution = executionID.text
        entry.timeoutGranted = grant.timeoutMilliseconds
        return entry
    }
}

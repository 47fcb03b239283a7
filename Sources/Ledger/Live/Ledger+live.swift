import Quota

extension Ledger {
    /// What goes on now, through whichever gateway: executions in the order in which they began, then sandboxes by their ids.
    ///
    /// - Parameters:
    ///   - tenant: only that of the one that is called so.
    ///   - kind: only what is of this kind.
    /// - Throws: ``LedgerFailure/noSuchTenant(_:)``, ``LedgerFailure/unavailable(_:)``.
    public func liveWork(
        of tenant: String? = nil, kind: LiveWork.Kind? = nil
    ) async throws(LedgerFailure) -> [LiveWork] {
        try await askPeers(for: .changes)
        let handle = try tenant.map { name throws(LedgerFailure) in try account(named: name).tenant.handle }
        var work: [LiveWork] = []
        if kind != .sandbox { work += try await liveExecutions(of: handle) }
        if kind != .execution { work += try await liveSandboxes(of: handle) }
        return work
    }

    private func liveExecutions(of tenant: String?) async throws(LedgerFailure) -> [LiveWork] {
        let now = clock.now(), isOver = turns.isOver("lease.epoch")
        return try await read { database in
            try database.rows(
                """
                SELECT execution.id, tenant.name AS tenant_name, execution.key, execution.subject, execution.template,
                    execution.admitted_at, execution.timeout_granted,
                    (SELECT min(recorded_at) FROM sandbox WHERE sandbox.execution = execution.id) AS held_since
                FROM lease JOIN execution ON execution.id = lease.execution
                    JOIN tenant ON tenant.id = execution.tenant
                WHERE (tenant.name = ?1 OR ?1 IS NULL) AND NOT (\(isOver))
                """, [tenant]
            ).map { LiveWork(execution: $0, at: now) }.sorted { $0.id < $1.id }
        }
    }

    private func liveSandboxes(of tenant: String?) async throws(LedgerFailure) -> [LiveWork] {
        let sandboxes = books.withLock { books in
            books.sandboxes.all.values.filter { tenant == nil || $0.tenant == tenant }
        }
        guard !sandboxes.isEmpty else { return [] }
        let charged = try await read { database in
            let rows = try database.rows(
                """
                SELECT handle, CAST(sum(charged) AS BIGINT) AS charged FROM sandbox_lease
                WHERE finished_at IS NOT NULL
                    AND handle IN (SELECT handle FROM owned_sandbox WHERE state <> 'ended')
                GROUP BY handle
                """)
            return Dictionary(uniqueKeysWithValues: rows.map { ($0["handle"] as String, $0["charged"] as Int64) })
        }
        let now = clock.now()
        return sandboxes.map { sandbox in
            LiveWork(sandbox: sandbox, settled: charged[sandbox.handle.text] ?? 0, at: now)
        }.sorted { $0.id < $1.id }
    }
}

extension LiveWork {
    fileprivate init(execution row: SQLRow, at now: Moment) {
        let heldSince = Accounts.moment(row, "held_since"), granted: Int64 = row["timeout_granted"]
        id = row["id"]
        kind = .execution
        tenant = row["tenant_name"]
        keyID = row["key"]
        subject = row["subject"]
        template = row["template"]
        state = heldSince == nil ? .starting : .running
        startedAt = Moment(nanoseconds: row["admitted_at"])
        endsAt = heldSince.map { $0 + .milliseconds(granted) }
        runtimeMilliseconds = heldSince.map { min(granted, max(0, now.milliseconds - $0.milliseconds)) } ?? 0
    }

    /// - Parameter settled: what its leases came to that are settled, in milliseconds.
    fileprivate init(sandbox: OwnedSandbox, settled: Int64, at now: Moment) {
        id = sandbox.id.isEmpty ? sandbox.handle.text : sandbox.id
        kind = .sandbox
        tenant = sandbox.tenant
        keyID = "\(sandbox.keyID)"
        subject = sandbox.subject
        template = sandbox.template
        state =
            switch sandbox.state {
            case .creating, .ended: .starting
            case .running: .running
            case .paused: .paused
            }
        startedAt = sandbox.startedAt
        endsAt = sandbox.state == .running ? sandbox.endsAt : nil
        let held = sandbox.lease.map { min($0.grant.timeoutMilliseconds, $0.heldMilliseconds(at: now)) } ?? 0
        runtimeMilliseconds = settled + held
    }
}

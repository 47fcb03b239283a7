import Quota

extension Ledger {
    /// Notes that a lease holds a sandbox, so that the sandbox is destroyed whatever becomes of this process.
    ///
    /// When it cannot be written now it is written later. A sandbox recorded after its lease was settled is marked for
    /// destruction at once.
    public func recordSandbox(_ sandboxID: String, for lease: Lease) async {
        let sandbox = sandboxID.recordable
        held.add(sandbox, to: lease.executionID)
        await writeOrOwe(.tenant(lease.tenant)) { [held] draft in
            let id = lease.executionID.text
            let isRunning = try draft.database.value(
                Bool.self, "SELECT EXISTS (SELECT 1 FROM lease WHERE execution = ?)", [id])
            guard isRunning == true else {
                draft.afterCommit { held.forget(lease.executionID) }
                return try Self.doom([sandbox], of: id, in: draft)
            }
            try draft.execute(
                "INSERT INTO sandbox (id, execution, recorded_at) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING",
                [sandbox, id, draft.now.nanoseconds]
            )
        }
    }

    /// Sandboxes that are over, longest first. Destroy them and say so with ``sandboxDestroyed(_:)``.
    public func sandboxesToDestroy() async throws(LedgerFailure) -> [String] {
        try await read { database in
            try database.values(
                String.self,
                """
                SELECT id, doomed_at FROM sandbox WHERE doomed_at IS NOT NULL
                UNION ALL
                SELECT sandbox, doomed_at FROM owned_sandbox WHERE doomed_at IS NOT NULL
                ORDER BY doomed_at, id LIMIT 10000
                """)
        }
    }

    /// Those of them that nobody is destroying when a gateway starts.
    public func leftoverSandboxes() async throws(LedgerFailure) -> [String] {
        turns.isShared ? try await abandonedSandboxes() : try await sandboxesToDestroy()
    }

    /// Those of them that have been over for so long that the gateway that should destroy them may have died; none where there
    /// is but one, which destroys what it finds left over at its start.
    public func abandonedSandboxes() async throws(LedgerFailure) -> [String] {
        guard turns.isShared else { return [] }
        let cutoff = (clock.now() - timing.silence).nanoseconds
        return try await read { database in
            try database.values(
                String.self,
                """
                SELECT id FROM sandbox WHERE doomed_at < ?1
                UNION ALL SELECT sandbox FROM owned_sandbox WHERE doomed_at < ?1 LIMIT 10000
                """, [cutoff])
        }
    }

    /// Forgets a sandbox that is no more. When it cannot be written now it is written later.
    public func sandboxDestroyed(_ sandboxID: String) async {
        let sandbox = sandboxID.recordable
        await writeOrOwe(.own) { draft in
            try draft.execute("DELETE FROM sandbox WHERE id = ?", [sandbox])
            try draft.execute("UPDATE owned_sandbox SET doomed_at = NULL WHERE sandbox = ?", [sandbox])
        }
    }

    /// Marks sandboxes of an execution for destruction: those given, whether on record or not.
    static func doom(_ sandboxes: [String], of execution: String, in draft: Draft) throws {
        for sandbox in sandboxes {
            try draft.execute(
                """
                INSERT INTO sandbox (id, execution, recorded_at, doomed_at) VALUES (?1, ?2, ?3, ?3)
                ON CONFLICT (id) DO UPDATE SET doomed_at = coalesce(sandbox.doomed_at, excluded.doomed_at)
                """,
                [sandbox, execution, draft.now.nanoseconds]
            )
        }
    }

    /// Writes what has happened already; if the ledger cannot, it stays owed.
    func writeOrOwe(_ reach: Reach, _ write: @escaping @Sendable (inout Draft) throws -> Void) async {
        do {
            try await commits.submit(reach, write)
        } catch {
            debts.owe(Debts.Debt(reach: reach, write: write))
        }
    }
}

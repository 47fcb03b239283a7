import Quota

/// What an administrator ended.
public enum KilledWork: Sendable {
    /// An execution, which the gateway that runs it is about to stop.
    case execution(ExecutionID)
    /// A tenant's own sandbox, settled and to be destroyed.
    case sandbox(OwnedSandbox)
}

extension Ledger {
    /// Ends what an administrator names: an execution, wherever it runs, or a tenant's own sandbox, by upstream's id or by our
    /// own name. The audit log says who wanted it.
    ///
    /// The gateway that runs an execution is told by its ``news``, and settles it; a sandbox is settled here, and whoever asked
    /// destroys it.
    ///
    /// - Returns: nil if there is nothing of this name that is not over.
    /// - Throws: ``LedgerFailure/actorRefused``, ``LedgerFailure/unavailable(_:)``.
    public func kill(_ name: String, by actor: Actor) async throws(LedgerFailure) -> KilledWork? {
        if let execution = ExecutionID(name) {
            return try await kill(execution, by: actor) ? .execution(execution) : nil
        }
        // It may have been made through another gateway just now.
        try await askPeers(for: .changes)
        let named = books.withLock { books in
            SandboxHandle(name).map { books.sandboxes[$0] } ?? books.sandboxes[name]
        }
        guard let named else { return nil }
        return try await kill(named.handle, by: actor).map(KilledWork.sandbox)
    }

    private func kill(_ execution: ExecutionID, by actor: Actor) async throws(LedgerFailure) -> Bool {
        let tenant = try await read { database in
            try database.value(
                String.self,
                "SELECT tenant.name FROM lease JOIN tenant ON tenant.id = lease.tenant WHERE execution = ?",
                [execution.text])
        }
        guard let tenant else { return false }
        let isOver = turns.isOver("lease.epoch"), isShared = turns.isShared
        return try await commits.submit(.tenant(tenant)) { [books] draft in
            let row = try draft.database.row(
                """
                SELECT execution.key, execution.subject FROM lease JOIN execution ON execution.id = lease.execution
                WHERE lease.execution = ? AND NOT (\(isOver))
                """, [execution.text])
            guard let row else { return false }
            var entry = try draft.entry(.executionKilled, by: actor)
            entry.tenant = tenant
            entry.keyID = row["key"]
            entry.subject = row["subject"]
            entry.execution = execution.text
            try draft.audit(entry)
            if isShared {
                try draft.execute(
                    """
                    UPDATE lease SET stop_asked_at = coalesce(stop_asked_at, ?), stop_reason = coalesce(stop_reason, ?)
                    WHERE execution = ?
                    """,
                    [draft.now.nanoseconds, EndedByAdministrator.killed.rawValue, execution.text])
                try SharedTurns.tell(SharedTurns.stop, in: draft.database)
            }
            draft.afterCommit { books.tell([.stopAsked(execution, because: .killed)]) }
            return true
        }
    }

    private func kill(_ handle: SandboxHandle, by actor: Actor) async throws(LedgerFailure) -> OwnedSandbox? {
        try await commits.submit(reach(of: handle)) { draft in
            guard let sandbox = draft.sandbox(handle), sandbox.state != .ended else { return nil }
            return try draft.end(sandbox, because: EndedByAdministrator.killed, by: .administrator(actor))
        }
    }
}

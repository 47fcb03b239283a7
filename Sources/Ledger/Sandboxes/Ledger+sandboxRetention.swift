import Quota

extension Ledger {
    /// How many are forgotten in one commit, so that no admission waits long for it.
    private static let forgottenAtOnce = 200

    /// Forgets tenants' own sandboxes that ended before `cutoff` and are destroyed, with their leases. They are looked for
    /// beside the writer, who then only takes rows out that it is told.
    func forgetOldSandboxes(before cutoff: Moment) async throws(LedgerFailure) {
        while !Task.isCancelled {
            let old = try await read { database in
                try database.values(
                    String.self,
                    """
                    SELECT handle FROM owned_sandbox WHERE ended_at < ? AND doomed_at IS NULL
                    ORDER BY ended_at LIMIT \(Self.forgottenAtOnce)
                    """, [cutoff.nanoseconds])
            }
            guard !old.isEmpty else { return }
            // What has ended does not begin again, and what is destroyed is not doomed again.
            try await commits.submit(.own) { draft in
                for handle in old {
                    try draft.execute("DELETE FROM sandbox_lease WHERE handle = ?", [handle])
                    try draft.execute("DELETE FROM owned_sandbox WHERE handle = ?", [handle])
                }
                try KeptExecutions.store(since: cutoff, in: draft)
            }
        }
    }
}

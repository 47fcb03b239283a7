import GRDB
import Quota

extension Ledger {
    /// How many are forgotten in one commit, so that no admission waits long for it.
    private static let forgottenAtOnce = 200

    /// Forgets tenants' own sandboxes that ended before `cutoff` and are destroyed, with their leases.
    func forgetOldSandboxes(before cutoff: Moment) async throws(LedgerFailure) {
        while !Task.isCancelled {
            let forgotten = try await commits.submit { draft in
                let old = try String.fetchAll(
                    draft.database,
                    sql: """
                        SELECT handle FROM owned_sandbox WHERE ended_at < ? AND doomed_at IS NULL
                        ORDER BY ended_at LIMIT \(Self.forgottenAtOnce)
                        """,
                    arguments: [cutoff.nanoseconds]
                )
                for handle in old {
                    try draft.execute("DELETE FROM sandbox_lease WHERE handle = ?", [handle])
                    try draft.execute("DELETE FROM owned_sandbox WHERE handle = ?", [handle])
                }
                if !old.isEmpty { try KeptExecutions.store(since: cutoff, in: draft) }
                return old.count
            }
            if forgotten < Self.forgottenAtOnce { return }
        }
    }
}

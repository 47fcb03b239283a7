import GRDB
import Quota

extension Ledger {
    /// How many executions are forgotten in one commit, so that no admission waits long for it.
    private static let forgottenAtOnce = 500
    /// Subjects that have been still for so long count in no window any more.
    private static let subjectsRemembered = Duration.seconds(62 * 86_400)

    /// Forgets executions that ended longer ago than they are kept, and subjects nobody called for since. What they came
    /// to stays in the sums of consumption, and what happened in the audit log.
    ///
    /// Executions are numbered in the order of their admission, so the oldest are found without a search.
    ///
    /// - Returns: how many executions were forgotten.
    @discardableResult
    func forgetOldExecutions() async throws(LedgerFailure) -> Int {
        let now = clock.now()
        var forgotten = 0
        while !Task.isCancelled {
            let cutoff = now - retention
            let isAnyOld = try await read { database in
                let sql = "SELECT admitted_at < ? FROM execution ORDER BY rowid LIMIT 1"
                return try Bool.fetchOne(database, sql: sql, arguments: [cutoff.nanoseconds]) ?? false
            }
            guard isAnyOld else { break }
            let portion = try await commits.submit { draft in try Self.forget(admittedBefore: cutoff, in: draft) }
            // What is left is still running, or its sandbox is.
            guard portion > 0 else { break }
            forgotten += portion
        }
        try await commits.submit { draft in
            try SubjectStore.forget(
                stillSince: draft.now - Self.subjectsRemembered, upTo: Self.forgottenAtOnce, in: draft)
        }
        return forgotten
    }

    private static func forget(admittedBefore cutoff: Moment, in draft: Draft) throws -> Int {
        try draft.execute(
            """
            DELETE FROM execution WHERE rowid IN (
                SELECT rowid FROM execution AS old
                WHERE admitted_at < ?1 AND finished_at < ?1
                    AND NOT EXISTS (SELECT 1 FROM sandbox WHERE sandbox.execution = old.id)
                ORDER BY rowid LIMIT ?2
            )
            """,
            [cutoff.nanoseconds, forgottenAtOnce]
        )
        return draft.database.changesCount
    }
}

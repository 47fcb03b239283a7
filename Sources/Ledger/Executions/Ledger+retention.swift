import Quota

extension Ledger {
    /// How many executions are forgotten in one commit, so that no admission waits long for it.
    private static let forgottenAtOnce = 200
    /// Subjects that have been still for so long count in no window any more.
    private static let subjectsRemembered = Duration.seconds(62 * 86_400)

    /// Forgets executions that ended longer ago than they are kept, idempotency keys, and subjects nobody called for since. What they came
    /// to stays in the sums of consumption, and what happened in the audit log.
    ///
    /// What is old is looked for beside the writer, who then only takes rows out that it is told; and after each portion
    /// the writer is left to others for as long as it took.
    ///
    /// - Returns: how many executions were forgotten; fewer than there were when the task was cancelled meanwhile.
    @discardableResult
    package func forgetOldExecutions() async throws(LedgerFailure) -> Int {
        try await forgetOldKeys()
        try await forgetOldRequests()
        // In whole milliseconds, as audit records have them.
        let cutoff = Moment(milliseconds: (clock.now() - retention.executions).milliseconds)
        var forgotten = 0
        while !Task.isCancelled {
            let old: [Int64]
            do {
                old = try await read { database in
                    try ExecutionStore.old(before: cutoff, upTo: Self.forgottenAtOnce, in: database)
                }
            } catch {
                if Task.isCancelled { break }
                throw error
            }
            guard !old.isEmpty else { break }
            let begun = ContinuousClock.now
            // Nobody writes any more to what is over.
            forgotten += try await commits.submit(.own) { draft in
                try ExecutionStore.forget(old, finishedBefore: cutoff, in: draft)
            }
            try? await Task.sleep(for: begun.duration(to: .now))
        }
        if !Task.isCancelled {
            try await forgetOldSandboxes(before: cutoff)
            try await forgetStillSubjects()
        }
        return forgotten
    }

    private func forgetStillSubjects() async throws(LedgerFailure) {
        let cutoff = clock.now() - Self.subjectsRemembered
        let still = try await read { database in
            try SubjectStore.still(since: cutoff, upTo: Self.forgottenAtOnce, in: database)
        }
        guard !still.isEmpty else { return }
        try await commits.submit(.own) { draft in try SubjectStore.forget(still, stillSince: cutoff, in: draft) }
    }
}

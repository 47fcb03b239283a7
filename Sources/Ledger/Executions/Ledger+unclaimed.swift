import Logging
import Quota

extension Ledger {
    /// How long an admission has been in the ledger before it is certain that whoever was told of it has claimed it.
    private static let grace = Duration.seconds(60)
    /// Why they end.
    private static let reason = "admission_unknown"

    /// Looks for them once it was not known of a commit whether it is there.
    func settleUnclaimedIfInDoubt() async {
        guard let lastUnknown = commits.lastUnknownOutcome, .now - lastUnknown > Self.grace, debts.count == 0 else {
            return
        }
        if await settleUnclaimed(olderThan: Self.grace) { commits.unknownOutcomesSettled(until: lastUnknown) }
    }

    /// Gives back what was reserved by admissions of which the caller was told that they failed, because nobody knew what had
    /// become of their commit, and which are there. Nothing of theirs ever ran.
    ///
    /// - Returns: whether there are none left.
    func settleUnclaimed(olderThan grace: Duration) async -> Bool {
        let (epoch, before) = (turns.epoch, (clock.now() - grace).nanoseconds)
        do throws(LedgerFailure) {
            let found = try await read { database in
                (
                    try database.values(
                        String.self,
                        """
                        SELECT lease.execution FROM lease JOIN execution ON execution.id = lease.execution
                        WHERE lease.epoch = ? AND execution.admitted_at < ?
                        """, [epoch, before]),
                    try database.values(
                        String.self,
                        "SELECT handle FROM owned_sandbox WHERE state = 'creating' AND epoch = ? AND admitted_at < ?",
                        [epoch, before])
                )
            }
            let (executions, sandboxes) = (claimed.unclaimed(among: found.0), claimed.unclaimed(among: found.1))
            for portion in executions.portions(of: 100) {
                _ = try await commits.submit { draft in
                    try Self.end(
                        where: "lease.execution = ANY(?::text[])", [Array(portion).postgreSQLArray],
                        as: .neverRan(Self.reason),
                        in: &draft)
                }
            }
            for handle in sandboxes.compactMap(SandboxHandle.init) {
                await sandboxNotMade(handle, because: Self.reason)
            }
            guard !executions.isEmpty || !sandboxes.isEmpty else { return true }
            logger.warning(
                "admissions that nobody knew of were given back",
                metadata: ["executions": "\(executions.count)", "sandboxes": "\(sandboxes.count)"])
            return true
        } catch {
            // While the ledger is down, which others tell.
            return false
        }
    }
}

extension Array {
    fileprivate func portions(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}

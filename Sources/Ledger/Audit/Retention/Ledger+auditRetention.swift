import Auth
import Quota

extension Ledger {
    /// How many records are removed in one commit, so that no admission waits long for it.
    private static let removedAtOnce = 500
    /// The chain is cut no more often, since each cut leaves a record.
    private static let cutEvery = Duration.seconds(86_400)

    /// Removes audit records, checkpoints and recorded code that have been kept long enough.
    ///
    /// First a record says in the chain where it will begin; then what is before that is removed in portions. Interrupted
    /// between two of them, the rest goes the next time.
    package func forgetOldAudit() async throws(LedgerFailure) {
        let now = clock.now()
        let cutoff = now - retention.audit
        if let cut = try await read({ database in try Self.dueCut(at: cutoff, now, in: database) }) {
            try await commits.submit { draft in try Self.announce(cut, in: &draft) }
        }
        // The code first, since records vouch for it.
        var isMore = true
        while isMore, !Task.isCancelled { isMore = try await removeCode(before: cutoff) }
        isMore = true
        while isMore, !Task.isCancelled { isMore = try await removePortion() }
    }

    /// Where to cut, if the oldest record is old enough, and the last cut was carried out and is a day old.
    private static func dueCut(at cutoff: Moment, _ now: Moment, in database: any SQLConnection) throws -> AuditCut? {
        let base = try AuditBase.read(from: database)
        if let cutBy = base.cutBy {
            guard let last = try base.announcedCut(in: database) else {
                throw LedgerFailure.damaged("audit/\(cutBy)")
            }
            guard last.first == base.head.sequence + 1,
                try AuditChain.firstSequence(since: now - cutEvery, in: database) > cutBy
            else { return nil }
        }
        let oldest = base.head.sequence + 1
        guard try AuditChain.firstSequence(since: cutoff - cutEvery, in: database) > oldest else { return nil }
        // The last record stays in any case: it is where the chain goes on.
        guard let last = try database.value(Int64.self, "SELECT max(sequence) FROM audit") else { return nil }
        let first = min(try AuditChain.firstSequence(since: cutoff, in: database), last)
        guard first > oldest, let hash = try hash(of: first - 1, in: database) else { return nil }
        return AuditCut(first: first, previous: Hex.text(hash))
    }

    private static func announce(_ cut: AuditCut, in draft: inout Draft) throws {
        var entry = AuditEntry(.auditTrimmed)
        entry.actor = "gateway"
        entry.after = cut.document
        try draft.audit(entry)
        var base = try AuditBase.read(from: draft.database)
        base.cutBy = try draft.chainEnd.sequence
        try base.store(in: draft)
    }

    /// Removes some records before the cut that was announced last, and the checkpoints that name them.
    ///
    /// - Returns: whether there were any.
    private func removePortion() async throws(LedgerFailure) -> Bool {
        try await commits.submit { draft in
            var base = try AuditBase.read(from: draft.database)
            guard let cut = try base.announcedCut(in: draft.database) else { return false }
            let end = min(base.head.sequence + Int64(Self.removedAtOnce), cut.first - 1)
            guard end > base.head.sequence, let hash = try Self.hash(of: end, in: draft.database) else { return false }
            base.head = AuditHead(sequence: end, hash: hash)
            try draft.execute("DELETE FROM audit WHERE sequence <= ?", [end])
            try draft.execute(
                "DELETE FROM checkpoint WHERE sequence < ? AND number < (SELECT max(number) FROM checkpoint)", [end])
            try base.store(in: draft)
            return true
        }
    }

    private func removeCode(before cutoff: Moment) async throws(LedgerFailure) -> Bool {
        try await commits.submit { draft in
            try draft.database.change(
                """
                DELETE FROM recorded_code WHERE execution IN (
                    SELECT execution FROM recorded_code WHERE recorded_at < ? ORDER BY recorded_at LIMIT 50)
                """,
                [cutoff.nanoseconds]
            ) > 0
        }
    }

    private static func hash(of sequence: Int64, in database: any SQLConnection) throws -> [UInt8]? {
        try database.row("SELECT hash FROM audit WHERE sequence = ?", [sequence])
            .map { $0["hash"] }
    }
}

import Logging
import Quota

/// What a gateway does that shares its ledger: it shows that it is alive, learns what others change, and steps in for those
/// that are dead. In a ledger that one process has to itself there is nothing to do.
extension Ledger {
    /// How often a gateway shows that it is alive, and looks for what others changed in case it was not told.
    private static let beat = Duration.milliseconds(500)

    /// Does all of it until the task is cancelled. Whoever has the ledger open for longer than others are patient must.
    func mindPeers() async {
        guard let turns = turns as? SharedTurns, let database = database as? PostgreSQLDatabase else { return }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.listen(to: database, turns.sharing) }
            // By itself: whatever holds the rest up is no reason to be taken for dead.
            group.addTask {
                await self.everyBeat { await self.showLife() }
            }
            var watch = PeerWatch()
            await everyBeat {
                await self.look(turns.sharing)
                await self.stepIn(for: &watch)
            }
            group.cancelAll()
        }
    }

    private func everyBeat(_ work: () async -> Void) async {
        while !Task.isCancelled {
            await work()
            try? await Task.sleep(for: Self.beat)
        }
    }

    /// Takes up what others changed as soon as they say so.
    private func listen(to database: PostgreSQLDatabase, _ sharing: Sharing) async {
        for await _ in database.notifications(on: SharedTurns.channel) { await look(sharing) }
    }

    private func look(_ sharing: Sharing) async {
        // In vain only while the database cannot be reached; every commit looks for itself.
        try? await read { [books] database in try sharing.look(into: books, in: database) }
    }

    /// Takes up what others changed and used until now, for who wants to know it exactly.
    ///
    /// - Throws: ``LedgerFailure/unavailable(_:)``.
    func askPeers() async throws(LedgerFailure) {
        guard let turns = turns as? SharedTurns else { return }
        try await read { [books] database in try turns.sharing.look(into: books, in: database) }
    }

    private func showLife() async {
        let epoch = epoch
        try? await commits.submit(.own) { draft in
            try draft.execute(
                "UPDATE gateway SET renewed_at = \(SharedTurns.databaseTime) WHERE epoch = ? AND ended_at IS NULL",
                [epoch])
        }
    }

    /// Takes gateways for dead that have shown no life, and settles what those left that are gone.
    private func stepIn(for watch: inout PeerWatch) async {
        let epoch = epoch
        let leftBehind = """
            SELECT EXISTS (SELECT 1 FROM lease WHERE \(isOver("lease.epoch")))
                OR EXISTS (SELECT 1 FROM owned_sandbox WHERE state = 'creating' AND \(isOver("owned_sandbox.epoch")))
            """
        let seen = try? await read { database in
            (
                try database.rows(
                    "SELECT epoch, renewed_at FROM gateway WHERE ended_at IS NULL AND epoch <> ?", [epoch]),
                try database.value(Bool.self, leftBehind) == true
            )
        }
        guard let (others, isAnythingLeft) = seen else { return watch.lostSight() }
        let renewals = Dictionary(
            uniqueKeysWithValues: others.map { ($0["epoch"] as Int64, $0["renewed_at"] as Int64) })
        let silent = watch.silent(among: renewals, at: .now, patience: peerPatience)
        guard !silent.isEmpty || isAnythingLeft else { return }
        do throws(LedgerFailure) {
            try await takeForDead(silent)
            _ = try await recover()
        } catch {
            logger.warning("what a dead gateway left cannot be settled yet", metadata: ["reason": "\(error.reason)"])
        }
    }

    /// - Parameter silent: gateways, unless they have shown life by now, with what they wrote last.
    private func takeForDead(_ silent: [Int64: Int64]) async throws(LedgerFailure) {
        guard !silent.isEmpty else { return }
        try await commits.submit { draft in
            for (epoch, renewedAt) in silent.sorted(by: { $0.key < $1.key }) {
                let taken = try draft.database.change(
                    """
                    UPDATE gateway SET ended_at = \(SharedTurns.databaseTime)
                    WHERE epoch = ? AND renewed_at = ? AND ended_at IS NULL
                    """, [epoch, renewedAt])
                if taken > 0 { try draft.audit(Self.lost(epoch)) }
            }
        }
    }

    private static func lost(_ epoch: Int64) -> AuditEntry {
        var entry = AuditEntry(.gatewayLost)
        entry.actor = "gateway"
        entry.after = .object(["epoch": .integer(epoch)])
        return entry
    }

    /// Says that this gateway is gone, so that nobody has to wait for its death.
    func leavePeers() async {
        guard turns is SharedTurns else { return }
        let epoch = epoch
        try? await commits.submit(.own) { draft in
            try draft.execute(
                "UPDATE gateway SET ended_at = \(SharedTurns.databaseTime) WHERE epoch = ? AND ended_at IS NULL",
                [epoch])
        }
    }

    /// The condition under which an epoch is of a gateway that is gone.
    ///
    /// - Parameter column: with its table.
    func isOver(_ column: String) -> String {
        switch location {
        case .file: "\(column) < \(epoch)"
        case .server: "NOT EXISTS (SELECT 1 FROM gateway WHERE gateway.epoch = \(column) AND ended_at IS NULL)"
        }
    }
}

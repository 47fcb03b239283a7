import Logging
import Quota

/// What a gateway does that shares its ledger: it shows that it is alive, learns what others change, and steps in for those that
/// are dead. In a ledger that one process has to itself there is nothing to do.
extension Ledger {
    /// How often a gateway shows that it is alive, and looks for what others changed in case it was not told.
    private static let beat = Duration.milliseconds(500)
    /// Who has not shown it for so long is taken for dead. Longer than anything may hold a gateway up that still writes.
    static let patienceWithPeers = Duration.seconds(15)

    /// Whether what is in memory may be believed: always, unless others could have changed it since.
    var isInTouch: Bool { (turns as? SharedTurns)?.sharing.isTrusted ?? true }

    /// Does all of it until the task is cancelled.
    func mindPeers() async {
        guard let turns = turns as? SharedTurns, let database = database as? PostgreSQLDatabase else { return }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.listen(to: database, turns.sharing) }
            while !Task.isCancelled {
                await self.showLife()
                await self.look(turns.sharing)
                await self.stepIn()
                try? await Task.sleep(for: Self.beat)
            }
            group.cancelAll()
        }
    }

    /// Takes up what others changed as soon as they say so.
    private func listen(to database: PostgreSQLDatabase, _ sharing: Sharing) async {
        for await _ in database.notifications(on: SharedTurns.channel) { await look(sharing) }
    }

    private func look(_ sharing: Sharing) async {
        // In vain only while the database cannot be reached, which ends the trust in what is in memory.
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

    /// Takes gateways for dead that have shown no life, and settles what they left.
    private func stepIn() async {
        let overdue = "ended_at IS NULL AND renewed_at < \(SharedTurns.databaseTime) - ?"
        let patience = Self.patienceWithPeers.components.seconds * 1_000_000_000
        let isAnyOverdue = try? await read { database in
            try database.value(Bool.self, "SELECT EXISTS (SELECT 1 FROM gateway WHERE \(overdue))", [patience])
        }
        guard isAnyOverdue == true else { return }
        do throws(LedgerFailure) {
            try await commits.submit { draft in
                let dead = try draft.database.values(
                    Int64.self,
                    "UPDATE gateway SET ended_at = \(SharedTurns.databaseTime) WHERE \(overdue) RETURNING epoch",
                    [patience])
                for epoch in dead { try draft.audit(Self.lost(epoch)) }
            }
            _ = try await recover()
        } catch {
            logger.warning("what a dead gateway left cannot be settled yet", metadata: ["reason": "\(error.reason)"])
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
    func isOver(_ column: String) -> String {
        switch location {
        case .file: "\(column) < \(epoch)"
        case .server: "\(column) IN (SELECT epoch FROM gateway WHERE ended_at IS NOT NULL)"
        }
    }
}

import Logging
import Quota

/// What a gateway does that shares its ledger: it shows that it is alive, learns what others change, and steps in for those
/// that are dead. In a ledger that one process has to itself there is nothing to do.
extension Ledger {
    /// How often a gateway shows that it is alive, and looks for what others changed in case it was not told.
    private static let beat = Duration.milliseconds(500)

    /// Whether this gateway does what one of those has to do that share the ledger: it stands for all of them, as long as the
    /// database confirms it.
    public var isElected: Bool { election?.isElected ?? true }

    /// Whether other gateways may have the ledger open as well.
    public var isShared: Bool { turns.isShared }

    /// What happened that concerns what this gateway is doing, and that did not happen through it. For one listener.
    public var news: AsyncStream<PeerNews> { books.news }

    /// Does all of it until the task is cancelled. Whoever has the ledger open for longer than others are patient must.
    func mindPeers() async {
        guard turns.isShared else { return }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.listen() }
            // By themselves: whatever holds the rest up is no reason to be taken for dead, or not to notice that one is.
            group.addTask { await self.everyBeat { try? await self.showLife() } }
            group.addTask {
                await self.everyBeat {
                    self.commits.refuseStalled()
                    if self.turns.isCutOff() { self.books.tell([.cutOff]) }
                }
            }
            if let election { group.addTask { await election.run() } }
            var watch = PeerWatch()
            await everyBeat {
                await self.look()
                await self.stepIn(for: &watch)
            }
            group.cancelAll()
        }
    }

    /// Does some work with the ledger open, and shows others meanwhile that this process lives, which is no gateway.
    public func showingLife<Value>(_ work: () async throws -> Value) async throws -> Value {
        // Ends with the work.
        async let _: Void = showLifeOnly()
        return try await work()
    }

    private func showLifeOnly() async {
        guard turns.isShared else { return }
        await everyBeat { try? await showLife() }
    }

    private func everyBeat(_ work: () async -> Void) async {
        while !Task.isCancelled {
            await work()
            try? await Task.sleep(for: Self.beat)
        }
    }

    /// Takes up what others changed as soon as they say so; of many words at once, as of one.
    private func listen() async {
        let (words, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await _ in self.database.notifications(on: SharedTurns.channel) { continuation.yield() }
                continuation.finish()
            }
            for await _ in words { await look() }
            group.cancelAll()
        }
    }

    /// In vain only while the database cannot be reached; every commit looks for itself.
    private func look() async { try? await askPeers(for: .changes) }

    /// Takes up what others changed until now, for who wants to know it exactly.
    ///
    /// - Throws: ``LedgerFailure/unavailable(_:)``.
    func askPeers(for detail: PeerDetail) async throws(LedgerFailure) {
        guard turns.isShared else { return }
        guard case .changes = detail else { return try await ask(for: detail).get() }
        try await looking.next { await self.ask(for: .changes) }.get()
    }

    private func ask(for detail: PeerDetail) async -> Looking.Outcome {
        do throws(LedgerFailure) {
            let asked = ContinuousClock.now
            let look: @Sendable (any SQLConnection) throws -> Void = { [turns] snapshot in
                try turns.look(at: detail, in: snapshot, askedAt: asked)
            }
            if case .changes = detail { try await glance(look) } else { try await read(look) }
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    /// Shows that this gateway is alive, which takes a commit.
    func showLife() async throws(LedgerFailure) {
        let began = ContinuousClock.now
        try await commits.submit(.own) { [turns] draft in
            try turns.showLife(in: draft.database)
            draft.afterCommit { turns.lifeShown(at: began) }
        }
    }

    /// Takes gateways for dead that have shown no life, and settles what those left that are gone.
    private func stepIn(for watch: inout PeerWatch) async {
        let epoch = turns.epoch
        let leftBehind = """
            SELECT EXISTS (SELECT 1 FROM lease WHERE \(turns.isOver("lease.epoch")))
                OR EXISTS (
                    SELECT 1 FROM owned_sandbox WHERE state = 'creating' AND \(turns.isOver("owned_sandbox.epoch")))
            """
        let seen = try? await glance { database in
            (
                try database.rows(
                    "SELECT epoch, renewed_at FROM gateway WHERE ended_at IS NULL AND epoch <> ?", [epoch]),
                try database.value(Bool.self, leftBehind) == true
            )
        }
        guard let (others, isAnythingLeft) = seen else { return watch.lostSight() }
        let renewals = Dictionary(
            uniqueKeysWithValues: others.map { ($0["epoch"] as Int64, $0["renewed_at"] as Int64) })
        let silent = watch.silent(among: renewals, at: .now, patience: timing.silence)
        turns.othersLive(others.count - silent.count)
        guard !silent.isEmpty || isAnythingLeft else { return }
        do throws(LedgerFailure) {
            let taken = try await takeForDead(silent), report = try await recover()
            // Others may have been faster.
            if taken > 0 || !report.executions.isEmpty { books.tell([.steppedIn(report)]) }
        } catch {
            logger.warning("what a dead gateway left cannot be settled yet", metadata: ["reason": "\(error.reason)"])
        }
    }

    /// - Parameter silent: gateways, unless they have shown life by now, with what they wrote last.
    /// - Returns: how many were.
    private func takeForDead(_ silent: [Int64: Int64]) async throws(LedgerFailure) -> Int {
        guard !silent.isEmpty else { return 0 }
        return try await commits.submit { draft in
            var count = 0
            for (epoch, renewedAt) in silent.sorted(by: { $0.key < $1.key }) {
                let taken = try draft.database.change(
                    """
                    UPDATE gateway SET ended_at = \(SharedTurns.databaseTime)
                    WHERE epoch = ? AND renewed_at = ? AND ended_at IS NULL
                    """, [epoch, renewedAt])
                guard taken > 0 else { continue }
                count += 1
                try draft.audit(Self.lost(epoch))
            }
            return count
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
        guard turns.isShared else { return }
        try? await commits.submit(.own) { [turns] draft in try turns.leave(in: draft.database) }
    }
}

/// What gateways ask each other.
extension Ledger {
    /// The numbers of those that have the ledger open, this one's among them; of one that has it to itself, its own.
    public func livingEpochs() async throws(LedgerFailure) -> Set<Int64> {
        guard turns.isShared else { return [turns.epoch] }
        return try await glance { database in
            Set(try database.values(Int64.self, "SELECT epoch FROM gateway WHERE ended_at IS NULL"))
        }
    }

    /// How many other gateways have the ledger open that have shown life of late.
    public func otherGateways() async throws(LedgerFailure) -> Int {
        guard turns.isShared else { return 0 }
        let (epoch, silence) = (turns.epoch, timing.silence.wholeNanoseconds)
        return try await glance { database in
            try database.value(
                Int.self,
                """
                SELECT count(*) FROM gateway
                WHERE ended_at IS NULL AND epoch <> ? AND renewed_at > \(SharedTurns.databaseTime) - ?
                """, [epoch, silence]) ?? 0
        }
    }

    /// The number of this gateway's opening of the ledger, greater than those of all before.
    public var epoch: Int64 { turns.epoch }

    /// Asks the gateway that runs an execution to stop it, whichever that is.
    ///
    /// - Returns: whether it is running, as far as the ledger knows.
    /// - Throws: ``LedgerFailure/unavailable(_:)``.
    public func askToStop(_ execution: ExecutionID, of tenant: String) async throws(LedgerFailure) -> Bool {
        guard turns.isShared else { return false }
        return try await commits.submit(.tenant(tenant)) { draft in
            guard let account = draft.account(tenant) else { return false }
            let changed = try draft.database.change(
                "UPDATE lease SET stop_asked_at = coalesce(stop_asked_at, ?) WHERE execution = ? AND tenant = ?",
                [draft.now.nanoseconds, execution.text, account.tenant.id])
            if changed > 0 { try SharedTurns.tell(SharedTurns.stop, in: draft.database) }
            return changed > 0
        }
    }

    /// Takes up what others changed until now: for who looks for something in memory that is not there.
    ///
    /// - Throws: ``LedgerFailure/unavailable(_:)``.
    public func catchUp() async throws(LedgerFailure) { try await askPeers(for: .changes) }
}

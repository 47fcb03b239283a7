import Auth
import Logging
public import Quota
import ServiceLifecycle

extension Ledger {
    /// How often owed and late writes are tried.
    private static let rhythm = Duration.milliseconds(500)
    /// How often it is looked for what is old enough to be forgotten.
    private static let housekeeping = Duration.seconds(60)
    /// How long the last tries may take when the process stops.
    private static let patience = Duration.seconds(5)

    /// Keeps the ledger's promises in the background until the service group shuts down or the task is cancelled: what
    /// could not be written is tried again, rates, uses of keys, calls to sandboxes and refusals are written late, the chain gets its
    /// checkpoints, what is old is forgotten. At the end it writes what is left.
    ///
    /// Put it before whatever uses the ledger in the group, so that it stops last.
    public func run() async throws {
        await note(.gatewayStarted)
        await cancelWhenGracefulShutdown {
            async let forgetting: Void = self.forgetWhatIsOld()
            async let minding: Void = self.mindPeers()
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.rhythm)
                await self.payDebts()
                await self.writeLateThings()
                await self.writeCalls()
                await self.writeRefusals()
                await self.settleUnclaimedIfInDoubt()
                if self.isElected {
                    await self.makeCheckpointIfDue()
                    await self.forgetNonces()
                }
            }
            await forgetting
            await minding
        }
        let deadline = ContinuousClock.now + Self.patience
        while await !payDebts(), ContinuousClock.now < deadline {
            // Cancellation would end a sleep at once and make this spin.
            await Task { try? await Task.sleep(for: .milliseconds(100)) }.value
        }
        await writeLateThings()
        await writeCalls()
        await writeRefusals(all: true)
        await note(.gatewayStopped)
        // What the process did stands under a signature before it is gone.
        _ = try? await makeCheckpoint()
    }

    /// Apart from the other duties, since a long past takes long. The first time soon after the start: it may have been a
    /// long while since the last.
    private func forgetWhatIsOld() async {
        try? await Task.sleep(for: Self.rhythm)
        while !Task.isCancelled {
            if isElected {
                // In vain only while the ledger is down, which others tell.
                _ = try? await forgetOldExecutions()
                try? await forgetOldNotifications()
                await forgetConsoleSessions()
                try? await rollUpHistory()
                do {
                    try await forgetOldAudit()
                } catch {
                    logger.warning("old audit records cannot be removed", metadata: ["reason": "\(error.reason)"])
                }
            }
            try? await Task.sleep(for: Self.housekeeping)
        }
    }

    /// Whether the last commit succeeded. A cheap look; ``checkHealth()`` tries.
    public var isWritable: Bool { commits.lastFailure == nil }

    /// The present instant by the ledger's own clock, by which leases are measured.
    public var now: Moment { clock.now() }

    /// How many transactions have been committed since the ledger was opened.
    public var commitCount: Int { commits.commits }

    /// Proves that the ledger can be written, by a commit unless one succeeded within the last second.
    ///
    /// - Throws: ``LedgerFailure/unavailable(_:)``.
    public func checkHealth() async throws(LedgerFailure) {
        if let healthy = commits.healthySince, clock.now() - healthy < .seconds(1) { return }
        try await showLife()
    }

    /// Tries everything owed. What still cannot be written stays owed.
    ///
    /// - Returns: whether nothing is owed any more.
    @discardableResult
    func payDebts() async -> Bool {
        let owed = debts.take()
        for (index, debt) in owed.enumerated() {
            do {
                try await commits.submit(debt.reach, debt.write)
            } catch .unavailable(let reason) {
                for remaining in owed[index...] { debts.owe(remaining) }
                logger.warning(
                    "the ledger cannot be written; settlements wait",
                    metadata: ["waiting": "\(debts.count)", "reason": "\(reason)"]
                )
                return false
            } catch {
                // The ledger works and will not take this one, ever; those behind it must not wait for it.
                logger.error("a settlement cannot be written", metadata: ["reason": "\(error.reason)"])
            }
        }
        return true
    }

    /// Writes uses of keys, and rates where they are written late, that changed since. A failure only leaves them unwritten.
    func writeLateThings() async {
        // At once, so that they share a commit.
        async let uses: Void = writeUses()
        await writeRates()
        await uses
    }

    private func writeUses() async {
        let uses = books.withLock { $0.takeUnwrittenUses() }
        guard !uses.isEmpty else { return }
        do {
            let written = try await commits.submit(.own) { draft in
                // In order, since others lock these rows, too.
                try uses.sorted { "\($0.key)" < "\($1.key)" }.map { id, uses in (id, try uses.add(to: id, in: draft)) }
            }
            books.withLock { books in
                for case (let id, let uses?) in written { books.load(uses, of: id) }
            }
        } catch {
            books.withLock { $0.putBack(uses) }
        }
    }

    private func writeRates() async {
        let (rates, subjects) = books.withLock { books in
            defer {
                books.unwrittenRates = []
                books.subjects.unwrittenRates = []
            }
            return (books.unwrittenRates, books.subjects.unwrittenRates)
        }
        guard !rates.isEmpty || !subjects.isEmpty else { return }
        do {
            try await commits.submit(.tenants(rates.union(subjects.map(\.tenant)))) { [books] draft in
                draft.changes.usageToWrite.formUnion(rates)
                for subject in subjects {
                    guard let rate = books.withLock({ $0.subjects.rate(of: subject) }) else { continue }
                    draft.changes.subjectRates[subject] = rate
                }
            }
        } catch {
            books.withLock { books in
                books.unwrittenRates.formUnion(rates)
                books.subjects.unwrittenRates.formUnion(subjects)
            }
        }
    }

    private func note(_ action: AuditAction) async {
        var entry = AuditEntry(action)
        entry.actor = "gateway"
        let noted = entry
        do {
            try await commits.submit(.own) { draft in try draft.audit(noted) }
        } catch {
            logger.warning("the ledger cannot be written", metadata: ["reason": "\(error.reason)"])
        }
    }
}

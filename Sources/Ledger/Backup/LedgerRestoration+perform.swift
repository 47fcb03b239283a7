import Auth
import GRDB
import Glibc
import Quota

/// A ledger whose place a backup has taken.
public struct RestoredLedger: Sendable {
    /// Where the ledger is that was there before; nil if there was none.
    public let keptAt: String?
    /// How many tenants' keys were revoked.
    public let revokedKeys: Int
    /// How many admin tokens were revoked.
    public let revokedAdminTokens: Int
    /// The one admin token that is accepted if all were revoked.
    public let adminToken: IssuedAdminKey?
}

extension LedgerRestoration {
    /// Where the backup is made ready. It is there between an interrupted restoration and the next one.
    static func stage(of path: String) -> String { path + ".restoring" }

    /// Whether a restoration was interrupted between taking the old ledger away and putting the new one in its place.
    public static func wasInterrupted(at path: String) -> Bool {
        !FileOnDisk.exists(path) && FileOnDisk.exists(stage(of: path))
    }

    /// Puts the backup in place. What is there is kept beside, under a dated name.
    ///
    /// All of it is prepared and on disk before anything is moved: the copy, brought up to date, with a record of the
    /// restoration and, if that is wanted, all its keys revoked in the same commit. Then the file changes in one step;
    /// only a damaged ledger, whose journal cannot be folded into its file, is moved away first. Interrupted at any point
    /// it can be repeated.
    ///
    /// - Parameter revokingAllKeys: Revoke every tenant's key and every admin token, and issue one admin token.
    public func perform(
        revokingAllKeys: Bool, by actor: Actor, progress: @escaping @Sendable (Double) -> Void = { _ in }
    ) async throws(LedgerFailure) -> RestoredLedger {
        let stage = Self.stage(of: path)
        removeStage()
        let restored: RestoredKeys
        do throws(LedgerFailure) {
            try LedgerStore.createFile(at: stage)
            try FileOnDisk.giveAway(stage, like: path)
            try LedgerStore.copy(from: backup, to: stage, progress: progress)
            restored = try await prepare(stage, revokingAllKeys, actor)
            guard try LedgerStore.foldJournal(at: stage) else {
                throw .unavailable("the copy at \(stage) could not be completed")
            }
            try FileOnDisk.sync(stage)
        } catch {
            removeStage()
            throw error
        }
        let keptAt = try exchange(stage)
        unlink(stage + ".lock")
        return RestoredLedger(
            keptAt: keptAt, revokedKeys: restored.tenantKeys, revokedAdminTokens: restored.adminTokens,
            adminToken: restored.issued
        )
    }

    /// Opens the copy as the next start would, and writes down where it comes from.
    private func prepare(
        _ stage: String, _ revokingAllKeys: Bool, _ actor: Actor
    ) async throws(LedgerFailure) -> RestoredKeys {
        let ledger = try Ledger.open(at: stage, rootKey: rootKey)
        do throws(LedgerFailure) {
            let restored = try await ledger.recordRestoration(
                from: check, revokingAllKeys: revokingAllKeys, by: actor)
            await ledger.close()
            return restored
        } catch {
            await ledger.close()
            throw error
        }
    }

    /// - Returns: where the ledger is now that was there.
    private func exchange(_ stage: String) throws(LedgerFailure) -> String? {
        let journals = ["-wal", "-shm", "-journal"]
        let kept = newName()
        let isAlone = FileOnDisk.exists(path) ? try LedgerStore.foldJournal(at: path) : false
        if isAlone, link(path, kept) == 0 {
            try FileOnDisk.syncFolder(of: path)
            try FileOnDisk.move(stage, to: path)
            try FileOnDisk.syncFolder(of: path)
            return kept
        }
        // Never with another's journal beside it: SQLite would believe it.
        var hasMoved = false
        for suffix in [""] + journals where FileOnDisk.exists(path + suffix) {
            try FileOnDisk.move(path + suffix, to: kept + suffix)
            hasMoved = true
        }
        try FileOnDisk.syncFolder(of: path)
        try FileOnDisk.move(stage, to: path)
        try FileOnDisk.syncFolder(of: path)
        return hasMoved ? kept : nil
    }

    private func removeStage() {
        LedgerStore.removeFile(at: Self.stage(of: path))
        for suffix in ["-journal", ".lock"] { unlink(Self.stage(of: path) + suffix) }
    }

    /// A name beside the ledger that nothing has yet, with the time in it.
    private func newName() -> String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let name =
            "\(path).before-restore-\(1900 + parts.tm_year)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
            + "T\(two(parts.tm_hour))\(two(parts.tm_min))\(two(parts.tm_sec))Z"
        var candidates = (1...).lazy.map { $0 == 1 ? name : "\(name)-\($0)" }.makeIterator()
        while let candidate = candidates.next() {
            guard ["", "-wal", "-journal"].contains(where: { FileOnDisk.exists(candidate + $0) }) else {
                return candidate
            }
        }
        return name
    }
}

/// What a restoration did to the keys.
struct RestoredKeys: Sendable {
    var tenantKeys = 0
    var adminTokens = 0
    var issued: IssuedAdminKey?
}

extension Ledger {
    /// Writes down, in one commit, that this ledger was a backup until now, and revokes what is to be revoked.
    func recordRestoration(
        from check: LedgerCheck, revokingAllKeys: Bool, by actor: Actor
    ) async throws(LedgerFailure) -> RestoredKeys {
        try await commits.submit { [books] draft in
            var entry = try draft.entry(.ledgerRestored, by: actor)
            entry.after = .object(["sequence": .integer(check.sequence), "hash": .string(check.hash)])
            try draft.audit(entry)
            // Whoever signed out since the backup would be signed in again.
            try ConsoleSessionStore.removeAll(in: &draft)
            var restored = RestoredKeys()
            guard revokingAllKeys else { return restored }
            let reason = "ledger_restored"
            let (keys, adminKeys) = books.withLock { (Array($0.keys.values), Array($0.adminKeys.values)) }
            for key in keys.sorted(by: { $0.record.id.description < $1.record.id.description })
            where key.record.rolled(to: draft.now).state != .revoked {
                _ = try Self.revoke(key, by: actor, because: reason, in: &draft)
                restored.tenantKeys += 1
            }
            for key in adminKeys.sorted(by: { $0.record.id.description < $1.record.id.description })
            where key.record.state == .active {
                _ = try Self.revoke(key, by: actor, because: reason, in: &draft)
                restored.adminTokens += 1
            }
            restored.issued = try Self.issueAdminToken(
                named: "restored", scopes: Scope.adminScopes, by: actor, in: &draft)
            return restored
        }
    }
}

public import Auth
import FoundationEssentials
import Logging

extension Ledger {
    /// Where a rotation of the root key can be interrupted.
    enum RootKeyRotationStep: CaseIterable, Sendable {
        case begun, oneResealed, allResealed, committed, done
    }

    /// Seals everything under another root key, in one commit: after an interruption all of it is under the one or all of
    /// it under the other, and ``fits(rootKey:at:)`` tells which. Keys, tokens, digests and whatever else was made with
    /// sealed keys stay as they are. Keep the old root key until this returns, and have the new one on disk before.
    ///
    /// What was sealed under the old key is overwritten in the file and its journal, as far as SQLite can; copies of the
    /// file are not.
    ///
    /// - Throws: ``LedgerFailure/unavailable(_:)``; everything is under the old root key then, unless the commit itself was
    ///   the last thing the disk could do.
    public func rotateRootKey(to rootKey: RootKey, by actor: Actor) async throws(LedgerFailure) {
        try await rotateRootKey(to: rootKey, by: actor) { _ in }
    }

    /// The same, with a word at each step.
    func rotateRootKey(
        to rootKey: RootKey, by actor: Actor, reached: @escaping @Sendable (RootKeyRotationStep) -> Void
    ) async throws(LedgerFailure) {
        let sealer = Sealer(rootKey)
        try await commits.submit { draft in
            reached(.begun)
            try draft.database.eraseWhatIsReplaced()
            for column in SealedColumn.all {
                try Self.reseal(column, from: draft.changes.sealer, to: sealer, in: draft.database) {
                    reached(.oneResealed)
                }
            }
            draft.changes.sealer = sealer
            draft.changes.isSealedAnew = true
            try draft.audit(try draft.entry(.rootKeyRotated, by: actor))
            reached(.allResealed)
        }
        reached(.committed)
        await overwriteJournal()
        reached(.done)
    }

    private static func reseal(
        _ column: SealedColumn, from old: Sealer, to new: Sealer, in database: any SQLConnection, each: () -> Void
    ) throws {
        let rows = try database.rows("SELECT \(column.id) AS id, \(column.column) AS sealed FROM \(column.table)")
        for row in rows {
            let id: String = row["id"]
            let sealed: [UInt8]
            do throws(SealFailure) {
                let secret = try old.open(row["sealed"], as: column.label(id))
                sealed = try new.seal(secret, as: column.label(id))
            } catch {
                throw LedgerFailure.unavailable(
                    "the ledger's row \(column.label(id)) could not be sealed anew: \(error)")
            }
            try database.execute(
                "UPDATE \(column.table) SET \(column.column) = ? WHERE \(column.id) = ?", [sealed, id])
            each()
        }
    }

    private func overwriteJournal() async {
        do {
            try await database.finishErasing()
        } catch {
            logger.warning(
                "the journal still holds what was sealed under the old root key",
                metadata: ["reason": "\(LedgerStore.failure(error).reason)"]
            )
        }
    }

    /// Whether a ledger's secrets are sealed under this root key. It takes no lock and changes nothing, so that after an
    /// interrupted rotation it can be asked with either key.
    ///
    /// - Throws: ``LedgerFailure/missing(path:)``, ``LedgerFailure/notALedger(path:)``,
    ///   ``LedgerFailure/unavailable(_:)``.
    public static func fits(rootKey: RootKey, at path: String) throws(LedgerFailure) -> Bool {
        try LedgerStore.checkFile(at: path)
        return try LedgerStore.look(at: path, for: { database in try OwnKeys.fit(Sealer(rootKey), in: database) })
    }

    /// The same of a ledger anywhere.
    public static func fits(rootKey: RootKey, in location: LedgerLocation) throws(LedgerFailure) -> Bool {
        switch location {
        case .file(let path): return try fits(rootKey: rootKey, at: path)
        case .server(let server):
            let database = PostgreSQLDatabase(at: server)
            defer { database.close() }
            do {
                return try database.prepare { transaction in
                    guard try PostgreSQLSchema.hasLedger(in: transaction) else {
                        throw LedgerFailure.missing(path: location.description)
                    }
                    return try OwnKeys.fit(Sealer(rootKey), in: transaction)
                }
            } catch {
                throw LedgerStore.failure(error)
            }
        }
    }
}

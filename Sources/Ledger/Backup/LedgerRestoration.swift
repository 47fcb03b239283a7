public import Auth
import GRDB
public import Quota

/// A backup on its way into a ledger's place, which is held meanwhile so that no gateway can start there.
public final class LedgerRestoration: Sendable {
    /// What the restoration takes away.
    public struct Loss: Sendable, Hashable {
        /// How many audit records there are beyond the backup; nil if the backup is not a former state of this ledger.
        public let records: Int64?
        /// When the last of them was committed.
        public let committedAt: Moment
        /// How many tenants' keys and admin tokens were revoked or replaced since, and would be accepted again.
        public let revivedKeys: Int
    }

    /// What a check of the backup found.
    public let check: LedgerCheck
    /// What is lost of the ledger that is there now; nil if there is none, or none that can be read.
    public let loss: Loss?

    let backup: String
    let path: String
    let rootKey: RootKey
    private let lock: LedgerLock

    /// Takes the ledger's place and looks at the backup. Nothing is changed.
    ///
    /// - Throws: ``LedgerFailure/inUse(path:)`` if a gateway or a command has the ledger open;
    ///   ``LedgerFailure/wrongRootKey`` if the backup's secrets are sealed under another root key;
    ///   ``LedgerFailure/exists(path:)`` if the backup is the ledger itself; for the backup the same as
    ///   ``LedgerCheck/run(at:)``.
    public init(of backup: String, to path: String, rootKey: RootKey) throws(LedgerFailure) {
        try LedgerStore.checkFile(at: backup)
        guard !FileOnDisk.areSame(backup, path) else { throw .exists(path: path) }
        lock = try LedgerLock(path: path)
        guard try Ledger.fits(rootKey: rootKey, at: backup) else { throw .wrongRootKey }
        check = try LedgerCheck.run(at: backup)
        let live = try LedgerStore.look(at: backup, for: Self.liveKeys)
        loss = try? LedgerStore.look(at: path) { [check] database in
            try Self.loss(of: database, backTo: check, whereLive: live)
        }
        self.backup = backup
        self.path = path
        self.rootKey = rootKey
    }

    /// Lets go of the ledger's place. Happens by itself when the restoration is dropped.
    public func release() { lock.release() }

    private static func loss(
        of database: any SQLConnection, backTo check: LedgerCheck, whereLive live: Set<String>
    ) throws -> Loss? {
        guard let end = try AuditChain.readHead(from: database) else { return nil }
        let row = try database.row("SELECT hash FROM audit WHERE sequence = ?", [check.sequence])
        let isFormer = row.map { Hex.text($0["hash"] as [UInt8]) } == check.hash
        return Loss(
            records: isFormer ? end.head.sequence - check.sequence : nil, committedAt: end.committedAt,
            revivedKeys: isFormer ? live.subtracting(try liveKeys(in: database)).count : 0
        )
    }

    /// The keys, of tenants and administrators, that are neither revoked nor being replaced.
    @Sendable private static func liveKeys(in database: any SQLConnection) throws -> Set<String> {
        var keys: Set<String> = []
        for table in [SealedColumn.key.table, SealedColumn.adminKey.table] where try database.hasTable(table) {
            let hasDeadline = try database.hasColumn("expires_at", in: table)
            let sql = "SELECT id FROM \(table) WHERE revoked_at IS NULL \(hasDeadline ? "AND expires_at IS NULL" : "")"
            keys.formUnion(try database.values(String.self, sql))
        }
        return keys
    }
}

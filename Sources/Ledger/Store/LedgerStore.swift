// Swift 6.3.1 takes `stat` for CDispatch's now and then, depending on which files it compiles together.
import CDispatch
import GRDB
import Glibc

/// The SQLite file: how it is made, opened and described when it fails.
enum LedgerStore {
    /// How long a statement waits for a lock that someone outside holds. A refused call must be refused within a second,
    /// and may wait for one commit before its own.
    private static let lockWait = 0.25

    /// Makes an empty file that only its owner can read; SQLite gives its journals the same mode.
    static func createFile(at path: String) throws(LedgerFailure) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let error = SystemError.current
            if error.isExisting { throw .exists(path: path) }
            throw .unavailable("cannot create \(path): \(error)")
        }
        Glibc.close(descriptor)
    }

    /// Takes back a file that could not be filled.
    static func removeFile(at path: String) {
        for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
    }

    static func checkFile(at path: String) throws(LedgerFailure) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let error = SystemError.current
            if error.isMissing { throw .missing(path: path) }
            throw .unavailable("cannot open \(path): \(error)")
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notALedger(path: path) }
    }

    /// Reads from a ledger that is not open here, and changes nothing.
    static func look<Value>(at path: String, for query: (SQLiteConnection) throws -> Value) throws(LedgerFailure)
        -> Value
    {
        do {
            return try snapshot(at: path, for: query)
        } catch {
            throw failure(error, path: path)
        }
    }

    /// The same, with SQLite's own errors.
    static func snapshot<Value>(at path: String, for query: (SQLiteConnection) throws -> Value) throws -> Value {
        func read() throws -> Value {
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(lockWait)
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let value = try queue.read { database in
                // A ledger has a chain from its creation on.
                guard try database.tableExists("chain") else { throw LedgerFailure.notALedger(path: path) }
                return try query(SQLiteConnection(database))
            }
            try queue.close()
            return value
        }
        do {
            return try read()
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_READONLY_ROLLBACK {
            try takeBackHalfCommit(at: path)
            return try read()
        }
    }

    /// Takes back what somebody was writing who was killed while the file had no write-ahead log: as it is created, and as
    /// it goes from a backup's form into its own and back. Who only reads cannot.
    private static func takeBackHalfCommit(at path: String) throws {
        var configuration = Configuration()
        configuration.busyMode = .timeout(lockWait)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.read { database in _ = try database.tableExists("chain") }
        try queue.close()
    }

    /// Copies a ledger as its last commit left it, beside whoever writes to it, into an empty file, which holds all of it
    /// then: it needs no journal beside it. It is not on disk yet.
    ///
    /// - Parameter progress: told the fraction that is done.
    static func copy(
        from path: String, to target: String, progress: @escaping @Sendable (Double) -> Void = { _ in }
    ) throws(LedgerFailure) {
        do {
            var configuration = Configuration()
            configuration.label = "copy"
            let queue = try DatabaseQueue(path: target, configuration: configuration)
            try look(at: path) { ledger in
                try queue.writeWithoutTransaction { copy in
                    // Of one that is cut short nothing will be used.
                    try copy.execute(sql: "PRAGMA synchronous = OFF")
                    try ledger.database.backup(to: copy, pagesPerStep: 1_000) { step in
                        progress(
                            step.totalPageCount == 0
                                ? 1 : 1 - Double(step.remainingPageCount) / Double(step.totalPageCount))
                    }
                    try copy.execute(sql: "PRAGMA journal_mode = DELETE")
                }
            }
            try queue.close()
        } catch {
            throw failure(error, path: path)
        }
    }

    /// Folds the journals of a ledger that nobody has open into its file, which then stands alone.
    ///
    /// - Returns: whether that was possible; a damaged file is left as it is, with its journals.
    /// - Throws: ``LedgerFailure/inUse(path:)`` if somebody reads or writes it after all.
    static func foldJournal(at path: String) throws(LedgerFailure) -> Bool {
        do {
            // Whoever opens a file for writing, and finds it unreadable, deletes its journal in closing it.
            try snapshot(at: path) { _ in }
            var configuration = Configuration()
            configuration.busyMode = .timeout(lockWait)
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let mode = try queue.writeWithoutTransaction { database in
                try String.fetchOne(database, sql: "PRAGMA journal_mode = DELETE")
            }
            try queue.close()
            return mode == "delete" && !FileOnDisk.exists(path + "-wal")
        } catch {
            if isLocked(error) { throw .inUse(path: path) }
            return false
        }
    }

    static func openPool(at path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.label = "ledger"
        configuration.busyMode = .timeout(lockWait)
        configuration.maximumReaderCount = 4
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.writeWithoutTransaction { database in
            // GRDB chooses NORMAL for WAL, which may lose the last commits when the machine dies.
            try database.execute(sql: "PRAGMA synchronous = FULL")
            // A large commit must fit, or pages are written twice; and the journal may grow to 32 MB before it is folded
            // in, so that a page that changes with every commit is not.
            try database.execute(sql: "PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 8000")
        }
        return pool
    }

    /// Migrates, unless the file is something else or comes from the future.
    static func migrate(_ pool: DatabasePool, path: String) throws(LedgerFailure) {
        do {
            if try pool.read(Schema.migrator.hasBeenSuperseded) { throw LedgerFailure.tooNew(path: path) }
            try Schema.migrator.migrate(pool)
        } catch {
            throw failure(error, path: path)
        }
    }

    /// Whether somebody outside holds the file.
    static func isLocked(_ error: any Error) -> Bool {
        SQLFailure(of: error)?.kind == .locked
    }

    /// Whether SQLite read something that cannot be in a database. It keeps the pages it has read, so they have to be
    /// dropped for a disk that reads well again to be believed.
    static func isDamage(_ error: any Error) -> Bool {
        [.damage, .noDatabase].contains(SQLFailure(of: error)?.kind)
    }

    /// What went wrong, in the database's words, without statement or arguments.
    static func failure(_ error: any Error, path: String? = nil) -> LedgerFailure {
        if let failure = SQLFailure(of: error) {
            if failure.kind == .noDatabase, let path { return .notALedger(path: path) }
            return .unavailable(failure.reason)
        }
        return switch error {
        case let failure as LedgerFailure: failure
        case is CancellationError: .unavailable("the caller gave up")
        default: .unavailable("the ledger holds something unreadable: \(type(of: error))")
        }
    }
}

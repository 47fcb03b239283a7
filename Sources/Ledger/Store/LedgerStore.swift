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

    /// Refuses another program's database before anything of it is changed.
    /// Reads from a ledger that is not open here, and changes nothing.
    static func look<Value>(at path: String, for query: (Database) throws -> Value) throws(LedgerFailure) -> Value {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(lockWait)
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let value = try queue.read { database in
                // A ledger has a chain from its creation on.
                guard try database.tableExists("chain") else { throw LedgerFailure.notALedger(path: path) }
                return try query(database)
            }
            try queue.close()
            return value
        } catch {
            throw failure(error, path: path)
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
        (error as? DatabaseError)?.resultCode == .SQLITE_BUSY
    }

    /// What went wrong, in SQLite's words, without statement or arguments.
    static func failure(_ error: any Error, path: String? = nil) -> LedgerFailure {
        switch error {
        case let failure as LedgerFailure: failure
        case let error as DatabaseError where error.resultCode == .SQLITE_NOTADB && path != nil:
            .notALedger(path: path ?? "")
        case let error as DatabaseError:
            .unavailable("SQLite \(error.extendedResultCode.rawValue): \(error.message ?? "no message")")
        case is CancellationError: .unavailable("the caller gave up")
        default: .unavailable("the ledger holds something unreadable: \(type(of: error))")
        }
    }
}

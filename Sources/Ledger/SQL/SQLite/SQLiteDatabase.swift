import Auth
import GRDB

/// A ledger's file while it is open here: SQLite in WAL mode, every commit synced.
final class SQLiteDatabase: LedgerDatabase {
    let pool: DatabasePool
    private let lock: LedgerLock

    private init(at path: String, _ lock: LedgerLock) throws(LedgerFailure) {
        do {
            pool = try LedgerStore.openPool(at: path)
            try LedgerStore.migrate(pool, path: path)
        } catch {
            throw LedgerStore.failure(error, path: path)
        }
        self.lock = lock
    }

    /// Makes a file that only its owner can read, and takes it for this process.
    static func create(at path: String) throws(LedgerFailure) -> SQLiteDatabase {
        let lock = try LedgerLock(path: path)
        try LedgerStore.createFile(at: path)
        do {
            return try SQLiteDatabase(at: path, lock)
        } catch {
            LedgerStore.removeFile(at: path)
            throw error
        }
    }

    /// Takes a file for this process.
    static func open(at path: String, with rootKey: RootKey) throws(LedgerFailure) -> SQLiteDatabase {
        try LedgerStore.checkFile(at: path)
        let lock = try LedgerLock(path: path)
        guard try Ledger.fits(rootKey: rootKey, at: path) else { throw .wrongRootKey }
        return try SQLiteDatabase(at: path, lock)
    }

    func read<Value: Sendable>(
        _ query: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        do {
            return try await pool.read { database in try query(SQLiteConnection(database)) }
        } catch {
            if LedgerStore.isDamage(error) { pool.releaseMemoryEventually() }
            throw error
        }
    }

    func glance<Value: Sendable>(
        _ query: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value { try await read(query) }

    func prepare<Value>(_ body: (any SQLTransaction) throws -> Value) throws -> Value {
        try pool.writeWithoutTransaction { database in try SQLiteWriter(database).transaction(body) }
    }

    func write(_ work: @escaping @Sendable (any SQLWriter) -> Void) {
        pool.asyncWriteWithoutTransaction { database in work(SQLiteWriter(database)) }
    }

    /// Folds the journal into the file and cuts it, which leaves no old page in either. A reader may be in the way; then
    /// the journal is overwritten in the course of time.
    func finishErasing() async throws {
        try await pool.writeWithoutTransaction { database in
            _ = try database.checkpoint(.truncate)
            try database.execute(sql: "PRAGMA secure_delete = OFF")
        }
    }

    // Nobody else has the file open.
    func notifications(on channel: String) -> AsyncStream<String> { AsyncStream { $0.finish() } }
    func election(about key: Int64) -> (any Election)? { nil }

    func abandon() { lock.release() }

    func close() throws {
        defer { lock.release() }
        try pool.close()
    }
}

private final class SQLiteWriter: SQLWriter {
    private let database: Database

    init(_ database: Database) {
        self.database = database
    }

    func transaction<Value>(_ body: (any SQLTransaction) throws -> Value) throws -> Value {
        do {
            var value: Value?
            try database.inTransaction(.immediate) {
                value = try body(SQLiteConnection(database))
                return .commit
            }
            guard let value else { preconditionFailure("a committed transaction has a value") }
            return value
        } catch {
            if LedgerStore.isDamage(error) { try? database.execute(sql: "PRAGMA shrink_memory") }
            throw error
        }
    }
}

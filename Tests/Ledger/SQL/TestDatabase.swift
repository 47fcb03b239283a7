import TestSupport

@testable import Ledger

/// The databases that a ledger may have.
enum DatabaseKind: CaseIterable, Sendable {
    case sqlite, postgreSQL
}

/// An empty database with one table, `item`.
final class TestDatabase: Sendable {
    let database: any LedgerDatabase
    private let folder: TemporaryFolder?

    static func make(_ kind: DatabaseKind) async throws -> TestDatabase {
        switch kind {
        case .sqlite:
            let folder = try TemporaryFolder()
            return try TestDatabase(SQLiteDatabase.create(at: folder.path + "/test.db"), folder)
        case .postgreSQL: return try await postgreSQL()
        }
    }

    /// On a server, at the address it gives or as `address` changes that.
    static func postgreSQL(
        on server: PostgreSQLServer? = nil, writing: PostgreSQLTimeouts = .writing,
        reading: PostgreSQLTimeouts = .reading, _ address: (String) -> String = { $0 }
    ) async throws -> TestDatabase {
        let server = if let server { server } else { try await PostgreSQLServer.shared() }
        let location = try PostgreSQLLocation(address(try await server.makeDatabase()))
        return try TestDatabase(PostgreSQLDatabase(at: location, writing: writing, reading: reading), nil)
    }

    private init(_ database: any LedgerDatabase, _ folder: TemporaryFolder?) throws {
        self.database = database
        self.folder = folder
        try database.prepare { transaction in
            let bytes = transaction.dialect == .sqlite ? "BLOB" : "BYTEA"
            try transaction.execute(
                "CREATE TABLE item (id BIGINT PRIMARY KEY CHECK (id <> 13), name TEXT UNIQUE, body \(bytes))")
        }
    }

    deinit { try? database.close() }

    /// One transaction of the writer's.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLTransaction) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            database.write { writer in continuation.resume(with: Result { try writer.transaction(body) }) }
        }
    }

    func read<Value: Sendable>(_ query: @escaping @Sendable (any SQLConnection) throws -> Value) async throws -> Value {
        try await database.read(query)
    }

    /// The ids of the items.
    func ids() async throws -> [Int] { try await read { try $0.values(Int.self, "SELECT id FROM item ORDER BY id") } }

    /// What a transaction of the writer's fails with.
    func failure(_ body: @escaping @Sendable (any SQLTransaction) throws -> Void) async throws -> SQLFailure? {
        do {
            try await write(body)
            return nil
        } catch let failure as SQLFailure {
            return failure
        }
    }
}

extension SQLTransaction {
    /// Adds an item, or not, without waiting where that can be had.
    func add(_ id: Int, _ name: String? = nil) throws {
        try execute("INSERT INTO item (id, name) VALUES (?, ?)", [id, name])
    }

    /// Adds many items.
    func add(_ ids: Range<Int>) throws {
        for id in ids { try add(id) }
    }

    /// Runs a part that is to fail, and returns what with.
    func failedPart(_ body: () throws -> Void) -> (any Error)? {
        do {
            try part(body)
            return nil
        } catch {
            return error
        }
    }

    /// The same connection, as what it is.
    var postgreSQL: PostgreSQLConnection {
        guard let connection = self as? PostgreSQLConnection else { preconditionFailure("this is \(dialect)") }
        return connection
    }
}

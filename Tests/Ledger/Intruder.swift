import GRDB

@testable import Ledger

/// Keeps the ledger from writing, from outside, as a careless shell would: by SQLite's write lock, or by a lock on a table
/// that every commit looks at. It can be read meanwhile.
enum Intruder {
    case inFile(DatabaseQueue)
    case onServer(PostgreSQLConnection)

    init(_ test: TestLedger) throws {
        switch test.location {
        case .file(let path):
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            configuration.busyMode = .timeout(10)  // the ledger may be writing just then
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
            self = .inFile(queue)
        case .server(let location):
            let connection = try PostgreSQLConnection(to: location, .upkeep)
            try connection.begin(.upkeep(.upkeep))
            _ = try connection.change("LOCK TABLE gateway IN ACCESS EXCLUSIVE MODE", [])
            self = .onServer(connection)
        }
    }

    func leave() throws {
        switch self {
        case .inFile(let queue): try queue.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        case .onServer(let connection): try connection.commit()
        }
    }
}

import FoundationEssentials
import GRDB

/// A connection of GRDB's to the ledger's file.
final class SQLiteConnection: SQLTransaction {
    let database: Database
    let dialect = SQLDialect.sqlite

    init(_ database: Database) {
        self.database = database
    }

    func execute(_ sql: String, _ parameters: SQLParameters) throws {
        try told {
            try database.cachedStatement(sql: sql).execute(arguments: StatementArguments(parameters))
        }
    }

    func change(_ sql: String, _ parameters: SQLParameters) throws -> Int {
        try execute(sql, parameters)
        return database.changesCount
    }

    func rows(_ sql: String, _ parameters: SQLParameters) throws -> [SQLRow] {
        try told {
            let statement = try database.cachedStatement(sql: sql)
            let columns = SQLColumns(statement.columnNames)
            let rows = try Row.fetchCursor(statement, arguments: StatementArguments(parameters))
            var all: [SQLRow] = []
            while let row = try rows.next() { all.append(SQLRow(row, columns)) }
            return all
        }
    }

    func cursor(_ sql: String, _ parameters: SQLParameters) throws -> any SQLCursor {
        // Not one that others may ask the same of meanwhile.
        try told { try SQLiteCursor(database.makeStatement(sql: sql), parameters) }
    }

    func hasTable(_ name: String) throws -> Bool {
        try told { try database.tableExists(name) }
    }

    func hasColumn(_ name: String, in table: String) throws -> Bool {
        try told { try database.columns(in: table).contains { $0.name == name } }
    }

    var changesMade: Int { database.totalChangesCount }

    func eraseWhatIsReplaced() throws { try execute("PRAGMA secure_delete = ON") }

    func part(_ body: () throws -> Void) throws {
        // Prepared once: GRDB's own savepoints are parsed anew each time.
        try execute("SAVEPOINT part")
        do {
            try body()
        } catch let failure as SQLFailure where failure.kind != .values {
            // The transaction itself is lost.
            throw failure
        } catch {
            try execute("ROLLBACK TO SAVEPOINT part")
            try execute("RELEASE SAVEPOINT part")
            throw error
        }
        try execute("RELEASE SAVEPOINT part")
    }
}

/// The rows of a statement of its own.
private final class SQLiteCursor: SQLCursor {
    private let columns: SQLColumns
    private let rows: RowCursor

    init(_ statement: Statement, _ parameters: SQLParameters) throws {
        columns = SQLColumns(statement.columnNames)
        rows = try Row.fetchCursor(statement, arguments: StatementArguments(parameters))
    }

    func next() throws -> SQLRow? {
        try told { try rows.next().map { SQLRow($0, columns) } }
    }
}

/// Runs what speaks to SQLite, and has its errors told as ours.
private func told<Value>(_ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch let error as DatabaseError {
        throw SQLFailure(error)
    }
}

extension SQLFailure {
    /// What the database said, whoever passed it on.
    init?(of error: any Error) {
        switch error {
        case let failure as SQLFailure: self = failure
        case let error as DatabaseError: self.init(error)
        default: return nil
        }
    }

    init(_ error: DatabaseError) {
        kind =
            switch error.resultCode {
            case .SQLITE_CONSTRAINT, .SQLITE_TOOBIG, .SQLITE_MISMATCH, .SQLITE_RANGE: .values
            case .SQLITE_BUSY: .locked
            case .SQLITE_CORRUPT: .damage
            case .SQLITE_NOTADB: .noDatabase
            case .SQLITE_ERROR, .SQLITE_FORMAT: .statement
            default: .unavailable
            }
        reason = "SQLite \(error.extendedResultCode.rawValue): \(error.message ?? "no message")"
    }
}

extension SQLRow {
    fileprivate init(_ row: Row, _ columns: SQLColumns) {
        self.columns = columns
        values = row.databaseValues.map(SQLValue.init)
    }
}

extension SQLValue {
    fileprivate init(_ value: DatabaseValue) {
        switch value.storage {
        case .null: self = .null
        case .int64(let number): self = .integer(number)
        // In no column of the ledger, but somebody may have written one into a document.
        case .double(let number): self = Int64(exactly: number).map(SQLValue.integer) ?? .null
        case .string(let text): self = .text(text)
        case .blob(let data): self = .bytes(Array(data))
        }
    }
}

extension StatementArguments {
    fileprivate init(_ parameters: SQLParameters) {
        self.init(
            parameters.values.map { value -> DatabaseValue in
                switch value {
                case .null: .null
                case .integer(let number): number.databaseValue
                case .text(let text): text.databaseValue
                case .bytes(let bytes): Data(bytes).databaseValue
                }
            })
    }
}

import TestSupport
import Testing

@testable import Ledger

/// Nothing of a ledger is forgotten when it moves: every table and column of either database is in the list, or left out by
/// intent.
@Suite(.onAServer) struct MovedTableTests {
    /// Tables with their columns and types.
    private typealias Tables = [String: [String: String]]

    private func file() async throws -> Tables {
        let test = try await TestLedger(isEmbedded: true)
        return try await test.ledger.read { database in
            let tables = try database.values(
                String.self, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            return try tables.reduce(into: [:]) { all, table in
                let columns = try database.rows("SELECT name, type FROM pragma_table_info('\(table)')")
                all[table] = Dictionary(uniqueKeysWithValues: columns.map { ($0["name"], $0["type"]) })
            }
        }
    }

    private func server() async throws -> (tables: Tables, counted: Set<String>) {
        let location = try PostgreSQLLocation(try await PostgreSQLServer.hasty().makeSchema())
        let database = PostgreSQLDatabase(at: location)
        defer { database.close() }
        return try database.prepare { transaction in
            try PostgreSQLSchema.migrate(in: transaction, place: "here")
            let columns = try transaction.rows(
                """
                SELECT table_name::text, column_name::text, data_type::text, is_identity = 'YES' AS is_counted
                FROM information_schema.columns WHERE table_schema = current_schema()
                """)
            var (tables, counted) = (Tables(), Set<String>())
            for column in columns {
                let (table, name): (String, String) = (column["table_name"], column["column_name"])
                tables[table, default: [:]][name] = column["data_type"] as String
                if column["is_counted"] as Bool { counted.insert("\(table).\(name)") }
            }
            return (tables, counted)
        }
    }

    @Test("Every column of the file's is moved, as what it is")
    func columnsOfTheFile() async throws {
        var tables = try await file()
        for table in MovedTable.leftBehind { #expect(tables.removeValue(forKey: table) != nil, "\(table)") }
        // A number of SQLite's own, by which executions are searched, has no name in the schema.
        tables["execution"]?["rowid"] = "INTEGER"
        let types: [MovedTable.Column.Kind: String] = [.integer: "INTEGER", .text: "TEXT", .bytes: "BLOB"]
        let moved = MovedTable.all.map { table in
            (table.name, Dictionary(uniqueKeysWithValues: table.columns.map { ($0.name, types[$0.kind] ?? "") }))
        }
        #expect(Dictionary(uniqueKeysWithValues: moved) == tables)
    }

    @Test("Every column in PostgreSQL comes from the file, or is given a value, and counters go on")
    func columnsOnTheServer() async throws {
        var (tables, counted) = try await server()
        for table in MovedTable.madeAnew { #expect(tables.removeValue(forKey: table) != nil, "\(table)") }
        let types: [MovedTable.Column.Kind: String] = [.integer: "bigint", .text: "text", .bytes: "bytea"]
        for table in MovedTable.all {
            for column in table.columns {
                #expect(tables[table.name]?.removeValue(forKey: column.name) == types[column.kind], "\(column)")
            }
            for name in table.added.keys { #expect(tables[table.name]?.removeValue(forKey: name) != nil, "\(name)") }
            #expect(tables[table.name] == [:], "\(table.name)")
            tables[table.name] = nil
            if let counter = table.counter { #expect(counted.remove("\(table.name).\(counter)") != nil) }
        }
        #expect(tables == [:])
        #expect(counted == ["gateway.epoch"])
    }

    @Test("What names a row is moved with it")
    func keys() {
        for table in MovedTable.all {
            #expect(!table.key.isEmpty && Set(table.key).isSubset(of: table.columns.map(\.name)), "\(table.name)")
        }
    }
}

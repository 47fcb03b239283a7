import GRDB

@testable import Ledger

extension Ledger {
    /// Writes past the ledger, as somebody with access to its database could. References between tables hold nobody up.
    ///
    /// - Returns: how many rows the last statement changed.
    @discardableResult
    func tamper(_ script: String, _ parameters: SQLParameters = []) throws -> Int {
        try unreferenced { connection in
            var changes = 0
            for statement in script.split(separator: ";") where !statement.allSatisfy(\.isWhitespace) {
                changes = try connection.change(String(statement), parameters)
            }
            return changes
        }
    }

    private func unreferenced<Value>(_ body: (any SQLConnection) throws -> Value) throws -> Value {
        guard let file = database as? SQLiteDatabase else {
            return try database.prepare { connection in
                try connection.execute("SET LOCAL session_replication_role = replica")
                return try body(connection)
            }
        }
        return try file.pool.writeWithoutTransaction { database in
            // It does nothing within a transaction.
            try database.execute(sql: "PRAGMA foreign_keys = OFF")
            defer { try? database.execute(sql: "PRAGMA foreign_keys = ON") }
            return try body(SQLiteConnection(database))
        }
    }

    /// Has the database refuse some rows of a table.
    ///
    /// - Parameters:
    ///   - event: `INSERT` or `UPDATE`.
    ///   - condition: which rows, called `new`.
    func refuse(_ event: String, on table: String, when condition: String = "true") throws {
        try database.prepare { connection in
            switch connection.dialect {
            case .sqlite:
                try connection.execute(
                    """
                    CREATE TRIGGER refusal BEFORE \(event) ON \(table) WHEN \(condition)
                    BEGIN SELECT RAISE(ABORT, 'no'); END
                    """)
            case .postgreSQL:
                try connection.execute(
                    """
                    CREATE FUNCTION refusal() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN RAISE EXCEPTION ''no'' USING ERRCODE = ''check_violation''; END'
                    """)
                try connection.execute(
                    """
                    CREATE TRIGGER refusal BEFORE \(event) ON \(table) FOR EACH ROW WHEN (\(condition))
                    EXECUTE FUNCTION refusal()
                    """)
            }
        }
    }

    /// Ends what ``refuse(_:on:when:)`` began.
    func stopRefusing(on table: String) throws {
        try database.prepare { connection in
            switch connection.dialect {
            case .sqlite: try connection.execute("DROP TRIGGER refusal")
            case .postgreSQL: try connection.execute("DROP FUNCTION refusal CASCADE")
            }
        }
    }

    /// Runs `body` while the writer does nothing else.
    func holdingTheWriter(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            database.write { _ in
                body()
                continuation.resume()
            }
        }
    }
}

extension SQLDialect {
    /// The JSON that a column holds as text, with a member replaced or added.
    ///
    /// - Parameters:
    ///   - path: where, such as `windows/0/usedMilliseconds`.
    ///   - json: by what.
    func json(_ column: String, setting path: String, to json: String) -> String {
        switch self {
        case .sqlite: "json_set(\(column), '\(place(path))', json('\(json)'))"
        case .postgreSQL: "jsonb_set((\(column))::jsonb, '\(place(path))', '\(json)')::text"
        }
    }

    /// The same with a number that is there already, and more.
    func json(_ column: String, adding more: Int, to path: String) -> String {
        let place = place(path)
        return switch self {
        case .sqlite: "json_set(\(column), '\(place)', json_extract(\(column), '\(place)') + \(more))"
        case .postgreSQL:
            """
            jsonb_set(\(column)::jsonb, '\(place)', to_jsonb((\(column)::jsonb #>> '\(place)')::bigint + \(more)))::text
            """
        }
    }

    private func place(_ path: String) -> String {
        let names = path.split(separator: "/")
        return switch self {
        case .sqlite: "$" + names.map { Int($0) == nil ? ".\($0)" : "[\($0)]" }.joined()
        case .postgreSQL: "{\(names.joined(separator: ","))}"
        }
    }
}

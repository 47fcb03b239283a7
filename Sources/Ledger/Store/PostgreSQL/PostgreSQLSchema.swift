import Auth

/// The ledger's tables in PostgreSQL: those of ``Schema``, with its names and units. A migration, once released, is never
/// edited; the next one follows it.
enum PostgreSQLSchema {
    private struct Migration {
        let number: Int64
        let name: String
        let script: String
    }

    private static let migrations = [
        Migration(
            number: 1, name: "first ledger",
            script: [functions, accounts, executions, sandboxes, audit, calls].joined(separator: "\n")),
        Migration(number: 2, name: "life of tenants", script: life),
        Migration(number: 3, name: "administrators' requests", script: administration),
        Migration(number: 5, name: "console sessions", script: consoleSessions),
    ]

    private static let newest = migrations.map(\.number).max() ?? 0

    /// Taken by whoever changes the tables, so that of several gateways that start at once one does it.
    private static let lock: Int64 = 0x65_32_62_67

    /// Whether there is a ledger in the database's schema.
    static func hasLedger(in database: any SQLConnection) throws -> Bool { try database.hasTable("chain") }

    /// Waits until whoever changes the tables is done, and keeps others from it until the transaction is over.
    static func lockTables(in database: any SQLConnection) throws {
        _ = try database.rows("SELECT pg_advisory_xact_lock(?)", [lock])
    }

    /// Brings the tables up to date, or makes them.
    ///
    /// - Parameter latest: the last migration to make; all of them unless told otherwise.
    /// - Throws: ``LedgerFailure/tooNew(path:)`` for those of a newer version, ``SQLFailure``.
    static func migrate(in database: any SQLConnection, place: String, upTo latest: Int64 = .max) throws {
        try lockTables(in: database)
        try database.execute(
            "CREATE TABLE IF NOT EXISTS migration (number BIGINT PRIMARY KEY, name TEXT NOT NULL, done_at BIGINT NOT NULL)"
        )
        let last = try checkVersion(in: database, place: place)
        for migration in migrations where migration.number > last && migration.number <= latest {
            for statement in statements(of: migration.script) { try database.execute(statement) }
            try database.execute(
                """
                INSERT INTO migration (number, name, done_at)
                VALUES (?, ?, (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint)
                """, [migration.number, migration.name])
            if migration.number == 1 {
                try database.execute(
                    "INSERT INTO installation (id, name) VALUES (1, ?)", [Hex.text(SecureRandom.bytes(8))])
            }
        }
    }

    /// The last migration that was made.
    ///
    /// - Throws: ``LedgerFailure/tooNew(path:)`` if it is unknown here.
    @discardableResult
    static func checkVersion(in database: any SQLConnection, place: String) throws -> Int64 {
        let last = try database.value(Int64.self, "SELECT max(number) FROM migration") ?? 0
        guard last <= newest else { throw LedgerFailure.tooNew(path: place) }
        return last
    }

    /// The statements of a script; each ends with a semicolon at the end of its line, and none has one elsewhere.
    private static func statements(of script: String) -> [String] {
        script.split(separator: ";\n").map(String.init).filter { !$0.allSatisfy(\.isWhitespace) }
    }

    /// What a record says, or nothing where somebody made it say what cannot be read.
    private static let functions = """
        CREATE FUNCTION json_or_null(text) RETURNS jsonb IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS
        'BEGIN RETURN $1::jsonb; EXCEPTION WHEN others THEN RETURN NULL; END'
        ;
        CREATE FUNCTION whole_number_or_null(jsonb) RETURNS bigint IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS
        'BEGIN RETURN CASE WHEN jsonb_typeof($1) = ''number'' AND ($1 #>> ''{}'') ~ ''^-?[0-9]{1,19}$''
            THEN ($1 #>> ''{}'')::bigint END; EXCEPTION WHEN others THEN RETURN NULL; END'
        ;

        """
}

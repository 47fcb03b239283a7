/// A connection to the ledger's database while a transaction or a snapshot is open on it. It lives on one thread.
///
/// Statements are in the SQL that SQLite and PostgreSQL share. Their parameters are `?` in order, or `?1` and so on where one
/// is used twice. They are prepared once for each connection, so their text is never made of what callers say.
protocol SQLConnection: AnyObject {
    /// How this database writes what the two do not share.
    var dialect: SQLDialect { get }

    /// Runs a statement of which nothing is asked but to succeed. It may be sent later and fail only with a later statement,
    /// at the latest with the commit.
    ///
    /// - Throws: ``SQLFailure``.
    func execute(_ sql: String, _ parameters: SQLParameters) throws

    /// Runs a statement and returns how many rows it changed.
    ///
    /// - Throws: ``SQLFailure``.
    func change(_ sql: String, _ parameters: SQLParameters) throws -> Int

    /// The rows that a query finds, or that a statement returns, all at once.
    ///
    /// - Throws: ``SQLFailure``.
    func rows(_ sql: String, _ parameters: SQLParameters) throws -> [SQLRow]

    /// The rows that a query finds, one after another, with few of them in memory.
    ///
    /// - Throws: ``SQLFailure``, as does every step.
    func cursor(_ sql: String, _ parameters: SQLParameters) throws -> any SQLCursor

    /// Whether the ledger has a table of this name.
    func hasTable(_ name: String) throws -> Bool

    /// Whether a table of the ledger has a column of this name.
    func hasColumn(_ name: String, in table: String) throws -> Bool
}

/// The rows of a query, one after another.
protocol SQLCursor: AnyObject {
    func next() throws -> SQLRow?
}

extension SQLConnection {
    func execute(_ sql: String) throws { try execute(sql, []) }

    func rows(_ sql: String) throws -> [SQLRow] { try rows(sql, []) }

    func cursor(_ sql: String) throws -> any SQLCursor { try cursor(sql, []) }

    /// The first row that a query finds.
    func row(_ sql: String, _ parameters: SQLParameters = []) throws -> SQLRow? {
        try rows(sql, parameters).first
    }

    /// The first column of the first row; nil without a row, and for NULL.
    func value<Value: SQLConvertible>(
        _ type: Value.Type = Value.self, _ sql: String, _ parameters: SQLParameters = []
    ) throws -> Value? {
        guard let row = try row(sql, parameters) else { return nil }
        return row[0] as Value?
    }

    /// Runs a statement that returns the number of the one row it inserts.
    func insert(_ sql: String, _ parameters: SQLParameters) throws -> Int64 {
        guard let number = try value(Int64.self, sql, parameters) else {
            throw SQLFailure(kind: .statement, reason: "an inserted row has no number")
        }
        return number
    }

    /// The first column of every row.
    func values<Value: SQLConvertible>(
        _ type: Value.Type = Value.self, _ sql: String, _ parameters: SQLParameters = []
    ) throws -> [Value] {
        try rows(sql, parameters).map { $0[0] }
    }
}

/// A cursor on the server, of which a number of rows are fetched at a time.
final class PostgreSQLCursor: SQLCursor {
    private static let firstRows = 100
    private static let mostRows = 1_000
    /// About as much memory as the rows may take, where they are large.
    private static let memory = 4 << 20

    private let connection: PostgreSQLConnection
    private let name: String
    private var asked = firstRows
    private var rows: [SQLRow] = []
    private var place = 0
    private var isAtEnd = false

    init(_ name: String, of connection: PostgreSQLConnection) throws {
        self.name = name
        self.connection = connection
        try fetch()
    }

    deinit { connection.close(name) }

    func next() throws -> SQLRow? {
        if place == rows.count && !isAtEnd { try fetch() }
        guard place < rows.count else { return nil }
        defer { place += 1 }
        return rows[place]
    }

    private func fetch() throws {
        let result = try connection.fetch(asked, from: name)
        rows = SQLRow.all(of: result)
        place = 0
        isAtEnd = rows.count < asked
        if isAtEnd { return connection.close(name) }
        asked = max(1, min(Self.mostRows, Self.memory / max(1, result.size / rows.count)))
    }
}

/// Rows of one table on their way into PostgreSQL, some at a time.
struct TableCopy: ~Copyable {
    /// How many rows a statement inserts, and with how many bytes; larger rows travel alone.
    private static let portion = (rows: 100, bytes: 1 << 20)
    /// After so many statements it is waited for what became of them.
    private static let unanswered = 50

    private let table: MovedTable
    private let target: any SQLConnection
    private let added: [SQLValue]
    private let (one, many): (String, String)
    private var waiting: [[SQLValue]] = []
    private var waitingBytes = 0
    private var sent = 0
    /// How many rows were read.
    private(set) var rows: Int64 = 0

    /// - Parameter lastCommit: in nanoseconds.
    init(of table: MovedTable, to target: any SQLConnection, lastCommit: Int64) {
        self.table = table
        self.target = target
        added = table.added.sorted { $0.key < $1.key }.map { _, value in
            switch value {
            case .number(let number): .integer(number)
            case .lastCommit: .integer(lastCommit)
            case .nothing: .null
            }
        }
        (one, many) = (table.insertion(rows: 1), table.insertion(rows: Self.portion.rows))
    }

    /// - Throws: ``LedgerMoveFailure/unmovable(row:problem:)``, ``SQLFailure``.
    mutating func add(_ row: SQLRow) throws {
        for (column, value) in zip(table.columns, row.values) {
            guard case .bytes(let bytes) = value else { continue }
            waitingBytes += bytes.count
            if column.kind == .text, let problem = Self.problem(bytes) {
                throw LedgerMoveFailure.unmovable(row: name(of: row), problem: "its \(column.name) \(problem)")
            }
        }
        waiting.append(row.values + added)
        rows += 1
        if waiting.count == Self.portion.rows || waitingBytes >= Self.portion.bytes { try send() }
    }

    /// Sends what is left, and waits until all of it is there.
    mutating func finish() throws {
        try send()
        _ = try target.change("SELECT 1", [])
    }

    private mutating func send() throws {
        let isWhole = waiting.count == Self.portion.rows
        for values in isWhole ? [waiting.flatMap(\.self)] : waiting {
            var parameters = SQLParameters()
            parameters.values = values
            sent += 1
            if sent.isMultiple(of: Self.unanswered) {
                _ = try target.change(isWhole ? many : one, parameters)
            } else {
                try target.execute(isWhole ? many : one, parameters)
            }
        }
        waiting.removeAll(keepingCapacity: true)
        waitingBytes = 0
    }

    /// Why PostgreSQL cannot hold a text.
    private static func problem(_ text: [UInt8]) -> String? {
        if text.contains(0) { return "holds the character NUL" }
        return String(validating: text, as: UTF8.self) == nil ? "is no text in UTF-8" : nil
    }

    /// Its table and its key.
    private func name(of row: SQLRow) -> String {
        let key = table.key.compactMap { name in
            table.columns.firstIndex { $0.name == name }.map { place in
                switch row.values[place] {
                case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
                case .integer(let number): "\(number)"
                case .text(let text): text
                case .null: ""
                }
            }
        }
        return ([table.name] + key).joined(separator: "/")
    }
}

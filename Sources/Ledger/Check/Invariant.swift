import GRDB

/// Something that holds for every ledger after every commit, whatever was killed in between.
struct Invariant: Sendable {
    /// A word for it.
    let name: String
    /// The table it is about, if ledgers of an earlier version lack it: these are checked for what they have.
    var table: String?
    /// Looks for what breaks it, in one pass and with little in memory.
    let look: @Sendable (Database, inout Findings) throws -> Void

    /// All of them; the file first, on which the others stand.
    static let all: [Invariant] = [
        .file, .references, .chain, .leases, .executions, .intents, .outcomes, .recorded, .recordedCode, .sandboxes,
        .ownedSandboxes, .ownedSandboxRecords, .executionKeys,
        .usage, .subjects, .consumption, .sums,
    ]

    /// Those that can be looked into.
    static func all(in database: Database) throws -> [Invariant] {
        try all.filter { invariant in try invariant.table.map { try database.tableExists($0) } ?? true }
    }

    /// An invariant that one query looks into: each row names what is broken (`row`) and says how (`problem`).
    init(_ name: String, of table: String? = nil, sql: String) {
        self.init(name, of: table) { database, findings in
            let rows = try Row.fetchCursor(database, sql: sql)
            while let row = try rows.next() { findings.add(row["row"], row["problem"]) }
        }
    }

    init(
        _ name: String, of table: String? = nil, look: @escaping @Sendable (Database, inout Findings) throws -> Void
    ) {
        self.name = name
        self.table = table
        self.look = look
    }

    /// What breaks it. An invariant that cannot be looked into because of what stands there is broken as well.
    func findings(in database: Database) throws -> Findings {
        var findings = Findings(of: name)
        do {
            try look(database, &findings)
        } catch let error as DatabaseError where Self.speaksOfContent(error) {
            findings.add("the file", "cannot be checked: \(LedgerStore.failure(error).reason)")
        }
        return findings
    }

    /// Whether SQLite complains of what it reads, not of the disk or a lock.
    static func speaksOfContent(_ error: DatabaseError) -> Bool {
        [.SQLITE_CORRUPT, .SQLITE_ERROR, .SQLITE_MISMATCH, .SQLITE_FORMAT].contains(error.resultCode)
    }
}

/// Something that holds for every ledger after every commit, whatever was killed in between.
struct Invariant: Sendable {
    /// A word for it.
    let name: String
    /// The table it is about, if ledgers of an earlier version lack it: these are checked for what they have.
    var table: String?
    /// Looks for what breaks it, in one pass and with little in memory.
    let look: @Sendable (any SQLConnection, inout Findings) throws -> Void

    /// All of them; the file first, on which the others stand.
    static let all: [Invariant] = [
        .file, .references, .chain, .leases, .executions, .intents, .outcomes, .recorded, .recordedCode, .sandboxes,
        .ownedSandboxes, .ownedSandboxRecords, .executionKeys, .adminRequests,
        .usage, .subjects, .consumption, .sums, .tenants,
    ]

    /// Those that can be looked into. What SQLite's pages may suffer PostgreSQL sees to itself.
    static func all(in database: any SQLConnection) throws -> [Invariant] {
        let all = database.dialect == .sqlite ? all : all.filter { ![file.name, references.name].contains($0.name) }
        return try all.filter { invariant in try invariant.table.map { try database.hasTable($0) } ?? true }
    }

    /// An invariant that one query looks into: each row names what is broken (`row`) and says how (`problem`).
    init(_ name: String, of table: String? = nil, sql: @escaping @Sendable (SQLDialect) -> String) {
        self.init(name, of: table) { database, findings in
            let rows = try database.cursor(sql(database.dialect))
            while let row = try rows.next() { findings.add(row["row"], row["problem"]) }
        }
    }

    init(
        _ name: String, of table: String? = nil,
        look: @escaping @Sendable (any SQLConnection, inout Findings) throws -> Void
    ) {
        self.name = name
        self.table = table
        self.look = look
    }

    /// What breaks it. An invariant that cannot be looked into because of what stands there is broken as well.
    func findings(in database: any SQLConnection) throws -> Findings {
        var findings = Findings(of: name)
        do {
            try look(database, &findings)
        } catch let failure as SQLFailure where failure.speaksOfContent {
            findings.add("the file", "cannot be checked: \(failure.reason)")
        }
        return findings
    }
}

extension SQLFailure {
    /// Whether the database complains of what it reads, not of the disk or a lock.
    fileprivate var speaksOfContent: Bool { [.damage, .statement, .values].contains(kind) }
}

import Auth
import Quota

/// A ledger that arrives in PostgreSQL, in a transaction that is not yet committed.
struct Arrival {
    private let source: MovedState
    private let target: any SQLConnection
    /// The instant of the move, not before the last commit.
    private let now: Moment

    /// Makes the tables, which must not be there.
    init(of source: MovedState, in target: any SQLConnection, at place: String) throws {
        self.source = source
        self.target = target
        now = max(LedgerClock.realtime(), source.committedAt)
        try PostgreSQLSchema.migrate(in: target, place: place)
        // These of the file take their places.
        try target.execute("DELETE FROM fact WHERE name <> 'common_edition'")
        try target.execute("DELETE FROM installation")
    }

    /// Copies every table, and has PostgreSQL count on from where the file was.
    ///
    /// - Returns: how many rows there are.
    func copy(from file: any SQLConnection, progress: (Double) -> Void) throws -> Int64 {
        let counts = try MovedTable.all.map { table in try file.value(Int64.self, table.counting) ?? 0 }
        let total = Double(max(1, counts.reduce(0, +)))
        var done: Int64 = 0
        for (table, count) in zip(MovedTable.all, counts) {
            done += try copy(table, count, from: file) { progress(Double(done + $0) / total) }
        }
        try countOn()
        return done
    }

    private func copy(
        _ table: MovedTable, _ count: Int64, from file: any SQLConnection, progress: (Int64) -> Void
    ) throws -> Int64 {
        var copy = TableCopy(of: table, to: target, lastCommit: source.committedAt.nanoseconds)
        let rows = try file.cursor(table.selection)
        while let row = try rows.next() {
            try copy.add(row)
            if copy.rows.isMultiple(of: 10_000) { progress(copy.rows) }
        }
        try copy.finish()
        let arrived = try target.value(Int64.self, table.counting)
        guard copy.rows == count, arrived == count else {
            throw LedgerFailure.unavailable(
                "of \(count) rows of \(table.name), \(copy.rows) could be read, and \(arrived ?? 0) arrived")
        }
        // Or the checks, and the first gateways, would take large tables for small ones.
        try target.execute("ANALYZE \(table.name)")
        return count
    }

    private func countOn() throws {
        for table in MovedTable.all {
            guard let counter = table.counter else { continue }
            try count(counter, of: table.name)
        }
        guard source.epoch > 0 else { return }
        // The last to have it open is gone: what it left is settled by the next.
        try target.execute(
            "INSERT INTO gateway (epoch, started_at, renewed_at, ended_at) VALUES (?1, ?2, ?2, ?2)",
            [source.epoch, now.nanoseconds])
        try count("epoch", of: "gateway")
    }

    private func count(_ counter: String, of table: String) throws {
        try target.execute(
            """
            SELECT setval(pg_get_serial_sequence('\(table)', '\(counter)'), coalesce(max(\(counter)), 0) + 1, false)
            FROM \(table)
            """)
    }

    /// Writes down that it has moved.
    ///
    /// - Parameter path: the file's; only its name is told.
    func record(from path: String, by actor: Actor) throws {
        var entry = AuditEntry(.ledgerMoved)
        entry.actor = actor.name
        entry.after = .object([
            "file": .string(path.split(separator: "/").last.map(String.init) ?? path),
            "hash": .string(Hex.text(source.head.hash)), "sequence": .integer(source.head.sequence),
        ])
        var head = source.head
        try AuditChain.append(entry, to: &head, at: now, in: target)
        try AuditChain.store(head, at: now, in: target)
    }

    /// Checks what is there: that it is the same ledger, and sound.
    ///
    /// - Throws: ``LedgerFailure/unavailable(_:)`` if it is another one.
    func check(_ sealer: Sealer) throws -> LedgerCheck {
        let arrived = try MovedState(of: target, sealer)
        let last = try target.row("SELECT hash FROM audit WHERE sequence = ?", [source.head.sequence])
        guard arrived.installation == source.installation, arrived.ownKeys == source.ownKeys,
            arrived.epoch == source.epoch, arrived.head.sequence == source.head.sequence + 1,
            source.head.sequence == 0 || last?["hash"] == source.head.hash
        else { throw LedgerFailure.unavailable("what arrived is not the ledger that was sent") }
        return try LedgerCheck(target)
    }
}

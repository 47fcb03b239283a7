import Quota

/// Where in the chain an instant is. Nothing here believes that a row is as it was written: a ledger in which somebody
/// wrote must still be searched, and must not stop the gateway.
extension AuditChain {
    /// When a record of the table `audit` was written, in milliseconds; NULL where it does not say so.
    private static func writtenAt(_ dialect: SQLDialect) -> String { dialect.integer("at_ms", of: "record") }

    /// The least whole number of milliseconds that is not before `instant`, which is what records say.
    static func milliseconds(since instant: Moment) -> Int64 { (instant + .nanoseconds(999_999)).milliseconds }

    /// The number of the first record written at `instant` or later, found by halving, since no record is older than the
    /// one before it; one beyond the last if all are older.
    static func firstSequence(since instant: Moment, in database: any SQLConnection) throws -> Int64 {
        // One at a time: asked for both at once SQLite would look at every row.
        guard let first = try database.value(Int64.self, "SELECT min(sequence) FROM audit WHERE sequence > 0"),
            let last = try database.value(Int64.self, "SELECT max(sequence) FROM audit"), first <= last
        else { return 1 }
        // The next one that can be read.
        let writtenAt = writtenAt(database.dialect)
        let next = """
            SELECT sequence, \(writtenAt) AS at FROM audit
            WHERE sequence >= ? AND \(writtenAt) IS NOT NULL ORDER BY sequence LIMIT 1
            """
        let milliseconds = milliseconds(since: instant)
        var (low, high) = (first, last == .max ? last : last + 1)
        while low < high {
            let middle = low + (high - low) / 2
            if let (sequence, at) = place(try database.row(next, [middle])), sequence < high,
                at < milliseconds
            {
                low = sequence + 1
            } else {
                high = middle
            }
        }
        return high
    }

    /// Everything that happened at this instant or later is in the chain.
    static func keptSince(in database: any SQLConnection) throws -> Moment {
        guard try AuditBase.read(from: database).head.sequence > 0 else { return Moment(nanoseconds: .min) }
        let writtenAt = writtenAt(database.dialect)
        let sql =
            "SELECT sequence, \(writtenAt) AS at FROM audit WHERE \(writtenAt) IS NOT NULL ORDER BY sequence LIMIT 1"
        guard let (_, at) = place(try database.row(sql)) else { return Moment(nanoseconds: .max) }
        // Of the same millisecond some may be gone.
        return Moment(milliseconds: at) + .milliseconds(1)
    }

    private static func place(_ row: SQLRow?) -> (sequence: Int64, at: Int64)? {
        row.map { (sequence: $0["sequence"], at: $0["at"]) }
    }
}

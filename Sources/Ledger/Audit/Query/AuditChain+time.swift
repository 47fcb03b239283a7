import GRDB
import Quota

/// Where in the chain an instant is. Nothing here believes that a row is as it was written: a ledger in which somebody
/// wrote must still be searched, and must not stop the gateway.
extension AuditChain {
    /// When a record of the table `audit` was written, in milliseconds; NULL where it does not say so.
    private static let writtenAt = """
        CASE WHEN json_valid(record) THEN
            CASE WHEN json_type(record, '$.at_ms') = 'integer' THEN json_extract(record, '$.at_ms') END
        END
        """

    /// The least whole number of milliseconds that is not before `instant`, which is what records say.
    static func milliseconds(since instant: Moment) -> Int64 { (instant + .nanoseconds(999_999)).milliseconds }

    /// The number of the first record written at `instant` or later, found by halving, since no record is older than the
    /// one before it; one beyond the last if all are older.
    static func firstSequence(since instant: Moment, in database: Database) throws -> Int64 {
        // One at a time: asked for both at once SQLite would look at every row.
        guard let first = try Int64.fetchOne(database, sql: "SELECT min(sequence) FROM audit WHERE sequence > 0"),
            let last = try Int64.fetchOne(database, sql: "SELECT max(sequence) FROM audit"), first <= last
        else { return 1 }
        // The next one that can be read.
        let next = try database.cachedStatement(
            sql: """
                SELECT sequence, \(writtenAt) FROM audit
                WHERE sequence >= ? AND \(writtenAt) IS NOT NULL ORDER BY sequence LIMIT 1
                """)
        let milliseconds = milliseconds(since: instant)
        var (low, high) = (first, last == .max ? last : last + 1)
        while low < high {
            let middle = low + (high - low) / 2
            if let (sequence, at) = try place(try Row.fetchOne(next, arguments: [middle])), sequence < high,
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
    static func keptSince(in database: Database) throws -> Moment {
        guard try AuditBase.read(from: database).head.sequence > 0 else { return Moment(nanoseconds: .min) }
        let sql = "SELECT sequence, \(writtenAt) FROM audit WHERE \(writtenAt) IS NOT NULL ORDER BY sequence LIMIT 1"
        guard let (_, at) = try place(try Row.fetchOne(database, sql: sql)) else { return Moment(nanoseconds: .max) }
        // Of the same millisecond some may be gone.
        return Moment(milliseconds: at) + .milliseconds(1)
    }

    private static func place(_ row: Row?) throws -> (sequence: Int64, at: Int64)? {
        guard let row, let sequence = Int64.fromDatabaseValue(row[0]), let at = Int64.fromDatabaseValue(row[1]) else {
            return nil
        }
        return (sequence, at)
    }
}

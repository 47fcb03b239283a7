import GRDB
import Quota

/// The rows of executions, which are numbered in the order of their admission.
enum ExecutionStore {
    /// The numbers of executions that may be forgotten, the oldest first: admitted and ended before `cutoff`, no sandbox
    /// of theirs left. It costs the same however many executions there are.
    static func old(before cutoff: Moment, upTo count: Int, in database: Database) throws -> [Int64] {
        guard let end = try firstNumber(admittedSince: cutoff, in: database) else { return [] }
        return try Int64.fetchAll(
            database,
            sql: """
                SELECT rowid FROM execution
                WHERE rowid < ? AND finished_at < ?
                    AND NOT EXISTS (SELECT 1 FROM sandbox WHERE sandbox.execution = execution.id)
                ORDER BY rowid LIMIT ?
                """,
            arguments: [end, cutoff.nanoseconds, count]
        )
    }

    /// Takes executions out, those that still may be.
    ///
    /// - Returns: how many.
    static func forget(_ numbers: [Int64], finishedBefore cutoff: Moment, in draft: Draft) throws -> Int {
        let statement = try draft.database.cachedStatement(
            sql: """
                DELETE FROM execution WHERE rowid = ? AND finished_at < ?
                    AND NOT EXISTS (SELECT 1 FROM sandbox WHERE sandbox.execution = execution.id)
                """)
        var forgotten = 0
        for number in numbers {
            try statement.execute(arguments: [number, cutoff.nanoseconds])
            forgotten += draft.database.changesCount
        }
        try KeptExecutions.store(since: cutoff, in: draft)
        return forgotten
    }

    /// The number from which on executions were admitted at `instant` or later, found by halving; nil without executions.
    static func firstNumber(admittedSince instant: Moment, in database: Database) throws -> Int64? {
        // One at a time: asked for both at once SQLite would look at every row.
        guard let first = try Int64.fetchOne(database, sql: "SELECT min(rowid) FROM execution"),
            let last = try Int64.fetchOne(database, sql: "SELECT max(rowid) FROM execution")
        else { return nil }
        let next = try database.cachedStatement(
            sql: "SELECT rowid, admitted_at FROM execution WHERE rowid >= ? ORDER BY rowid LIMIT 1")
        // All before `low` are older, all from `high` on are not.
        var (low, high) = (first, last + 1)
        while low < high {
            let middle = low + (high - low) / 2
            guard let row = try Row.fetchOne(next, arguments: [middle]) else { break }
            let (number, admittedAt): (Int64, Int64) = (row[0], row[1])
            if number < high, admittedAt < instant.nanoseconds { low = number + 1 } else { high = middle }
        }
        return high
    }
}

import Quota

/// The rows of executions, which are numbered in the order of their admission.
enum ExecutionStore {
    /// The numbers of executions that may be forgotten, the oldest first: admitted and ended before `cutoff`, no sandbox
    /// of theirs left. It costs the same however many executions there are.
    static func old(before cutoff: Moment, upTo count: Int, in database: any SQLConnection) throws -> [Int64] {
        guard let end = try firstNumber(admittedSince: cutoff, in: database) else { return [] }
        return try database.values(
            Int64.self,
            """
            SELECT rowid FROM execution
            WHERE rowid < ? AND finished_at < ?
                AND NOT EXISTS (SELECT 1 FROM sandbox WHERE sandbox.execution = execution.id)
            ORDER BY rowid LIMIT ?
            """, [end, cutoff.nanoseconds, count])
    }

    /// Takes executions out, those that still may be.
    ///
    /// - Returns: how many.
    static func forget(_ numbers: [Int64], finishedBefore cutoff: Moment, in draft: Draft) throws -> Int {
        var forgotten = 0
        for number in numbers {
            forgotten += try draft.database.change(
                """
                DELETE FROM execution WHERE rowid = ? AND finished_at < ?
                    AND NOT EXISTS (SELECT 1 FROM sandbox WHERE sandbox.execution = execution.id)
                """, [number, cutoff.nanoseconds])
        }
        try KeptExecutions.store(since: cutoff, in: draft)
        return forgotten
    }

    /// The number from which on executions were admitted at `instant` or later, found by halving; nil without executions.
    static func firstNumber(admittedSince instant: Moment, in database: any SQLConnection) throws -> Int64? {
        // One at a time: asked for both at once SQLite would look at every row.
        guard let first = try database.value(Int64.self, "SELECT min(rowid) FROM execution"),
            let last = try database.value(Int64.self, "SELECT max(rowid) FROM execution")
        else { return nil }
        let next = "SELECT rowid, admitted_at FROM execution WHERE rowid >= ? ORDER BY rowid LIMIT 1"
        // All before `low` are older, all from `high` on are not.
        var (low, high) = (first, last + 1)
        while low < high {
            let middle = low + (high - low) / 2
            guard let row = try database.row(next, [middle]) else { break }
            let (number, admittedAt): (Int64, Int64) = (row[0], row[1])
            if number < high, admittedAt < instant.nanoseconds { low = number + 1 } else { high = middle }
        }
        return high
    }
}

import Quota

/// The rows of what went on. What cannot be read counts as nothing; `ledger check` finds it.
enum HistoryStore {
    static let hour = Duration.seconds(3_600)
    private static let hourNanoseconds = hour.wholeNanoseconds

    static func write(_ minute: HistoryMinute, in draft: Draft) throws {
        try draft.execute(
            """
            INSERT INTO history_minute (at, epoch, document, is_rolled) VALUES (?, ?, ?, 0)
            ON CONFLICT (at, epoch) DO UPDATE SET document = excluded.document, is_rolled = 0
            """, [minute.at.nanoseconds, minute.epoch, try Document.text(minute.step)])
    }

    /// Minutes from an instant on, before another.
    static func minutes(_ instants: Range<Moment>, in database: any SQLConnection) throws -> [HistoryMinute] {
        try database.rows(
            "SELECT at, epoch, document FROM history_minute WHERE at >= ? AND at < ? ORDER BY at, epoch",
            [instants.lowerBound.nanoseconds, instants.upperBound.nanoseconds]
        ).compactMap { row in
            step(row).map { HistoryMinute(at: Moment(nanoseconds: row["at"]), epoch: row["epoch"], step: $0) }
        }
    }

    static func hours(_ instants: Range<Moment>, in database: any SQLConnection) throws -> [Moment: HistoryStep] {
        try database.rows(
            "SELECT at, document FROM history_hour WHERE at >= ? AND at < ?",
            [instants.lowerBound.nanoseconds, instants.upperBound.nanoseconds]
        ).reduce(into: [:]) { hours, row in hours[Moment(nanoseconds: row["at"])] = step(row) }
    }

    /// The hours that do not have all of their minutes yet.
    static func hoursBehind(_ instants: Range<Moment>, in database: any SQLConnection) throws -> [Moment] {
        try database.values(
            Int64.self,
            """
            SELECT DISTINCT at / \(hourNanoseconds) * \(hourNanoseconds) AS hour FROM history_minute
            WHERE is_rolled = 0 AND at >= ? AND at < ? ORDER BY hour
            """, [instants.lowerBound.nanoseconds, instants.upperBound.nanoseconds]
        ).map(Moment.init(nanoseconds:))
    }

    /// Writes what came of an hour, and that it has these minutes.
    static func write(_ hour: Moment, of minutes: [HistoryMinute], in draft: Draft) throws {
        try draft.execute(
            """
            INSERT INTO history_hour (at, document) VALUES (?, ?)
            ON CONFLICT (at) DO UPDATE SET document = excluded.document
            """, [hour.nanoseconds, try Document.text(HistoryMinute.sum(minutes))])
        for minute in minutes {
            try draft.execute(
                "UPDATE history_minute SET is_rolled = 1 WHERE at = ? AND epoch = ?",
                [minute.at.nanoseconds, minute.epoch])
        }
    }

    static func forget(minutesBefore minute: Moment, hoursBefore hour: Moment, in draft: Draft) throws {
        try draft.execute("DELETE FROM history_minute WHERE at < ?", [minute.nanoseconds])
        try draft.execute("DELETE FROM history_hour WHERE at < ?", [hour.nanoseconds])
    }

    private static func step(_ row: SQLRow) -> HistoryStep? {
        try? Document.value(HistoryStep.self, from: row["document"])
    }
}

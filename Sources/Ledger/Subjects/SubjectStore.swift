import Quota

/// The rows of subjects. There may be any number of them, so they stay on disk and only those in use are in the books.
enum SubjectStore {
    static func usage(of subject: SubjectID, in database: any SQLConnection) throws -> Usage {
        let sql = """
            SELECT usage FROM subject
            WHERE tenant = (SELECT id FROM tenant WHERE name = ?) AND name = ?
            """
        let text = try database.value(String.self, sql, [subject.tenant, subject.name])
        return try text.map { try Document.value(from: $0) } ?? Usage()
    }

    static func store(
        _ usage: Usage, rate: RateState?, of subject: SubjectID, at now: Moment, in database: any SQLConnection
    ) throws {
        try database.execute(
            """
            INSERT INTO subject (tenant, name, usage, rate_next_free, changed_at)
            VALUES ((SELECT id FROM tenant WHERE name = ?), ?, ?, ?, ?)
            ON CONFLICT (tenant, name) DO UPDATE
            SET usage = excluded.usage, rate_next_free = excluded.rate_next_free, changed_at = excluded.changed_at
            """,
            [
                subject.tenant, subject.name, try Document.text(usage), rate?.nextFree?.nanoseconds, now.nanoseconds,
            ])
    }

    /// Where subjects stand against their rates that are not at rest by `now`.
    static func rates(in database: any SQLConnection, at now: Moment) throws -> [SubjectID: RateState] {
        var rates: [SubjectID: RateState] = [:]
        let rows = try database.cursor(
            """
            SELECT tenant.name AS tenant_name, subject.name AS name, rate_next_free
            FROM subject JOIN tenant ON tenant.id = subject.tenant WHERE rate_next_free > ? LIMIT ?
            """, [now.nanoseconds, SubjectCache.maximumSubjects])
        while let row = try rows.next() {
            let nextFree = Accounts.moment(row, "rate_next_free")
            rates[SubjectID(of: row["tenant_name"], row["name"])] = RateState(nextFree: nextFree)
        }
        return rates
    }

    /// Subjects, by tenant and name, that have been still since `instant`, which lies more than a month back, so that
    /// nothing of theirs counts any more.
    static func still(since instant: Moment, upTo count: Int, in database: any SQLConnection) throws -> [(
        Int64, String
    )] {
        try database.rows(
            "SELECT tenant, name FROM subject WHERE changed_at < ? LIMIT ?", [instant.nanoseconds, count]
        ).map { ($0["tenant"], $0["name"]) }
    }

    /// Forgets subjects, those that are still.
    static func forget(_ subjects: [(Int64, String)], stillSince instant: Moment, in draft: Draft) throws {
        for (tenant, name) in subjects {
            try draft.execute(
                "DELETE FROM subject WHERE tenant = ? AND name = ? AND changed_at < ?",
                [tenant, name, instant.nanoseconds])
        }
    }
}

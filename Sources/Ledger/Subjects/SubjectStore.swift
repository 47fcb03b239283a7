import Quota

/// The rows of subjects. There may be any number of them, so they stay on disk and only those in use are in the books.
enum SubjectStore {
    /// What a subject used, and where it stands against its rate.
    static func row(of subject: SubjectID, in database: any SQLConnection) throws -> (usage: Usage, rate: RateState) {
        let sql = """
            SELECT usage, rate_next_free FROM subject
            WHERE tenant = (SELECT id FROM tenant WHERE name = ?) AND name = ?
            """
        guard let row = try database.row(sql, [subject.tenant, subject.name]) else { return (Usage(), RateState()) }
        return (
            try Document.value(from: row["usage"]), RateState(nextFree: Accounts.moment(row, "rate_next_free"))
        )
    }

    static func store(
        _ usage: Usage, of subject: SubjectID, at now: Moment, in database: any SQLConnection
    ) throws {
        try database.execute(
            """
            INSERT INTO subject (tenant, name, usage, changed_at)
            VALUES ((SELECT id FROM tenant WHERE name = ?), ?, ?, ?)
            ON CONFLICT (tenant, name) DO UPDATE SET usage = excluded.usage, changed_at = excluded.changed_at
            """, [subject.tenant, subject.name, try Document.text(usage), now.nanoseconds])
    }

    static func store(
        _ rate: RateState, of subject: SubjectID, at now: Moment, in database: any SQLConnection
    ) throws {
        try database.execute(
            """
            INSERT INTO subject (tenant, name, usage, rate_next_free, changed_at)
            VALUES ((SELECT id FROM tenant WHERE name = ?), ?, ?, ?, ?)
            ON CONFLICT (tenant, name) DO UPDATE
            SET rate_next_free = excluded.rate_next_free, changed_at = excluded.changed_at
            """,
            [
                subject.tenant, subject.name, try Document.text(Usage()), rate.nextFree?.nanoseconds,
                now.nanoseconds,
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

import Quota

/// Which executions the ledger still has. Audit records outlive them.
enum KeptExecutions {
    /// The fact that is left with each forgetting, in nanoseconds.
    static let factName = "executions_kept_since"

    /// Those that were admitted at this instant or later are all there; nil if none was ever deleted.
    static func since(in database: any SQLConnection) throws -> Moment? {
        try database.value(Int64.self, "SELECT value FROM fact WHERE name = ?", [factName])
            .map(Moment.init(nanoseconds:))
    }

    /// Notes, in the commit that forgets them, that older ones may be missing.
    static func store(since instant: Moment, in draft: Draft) throws {
        try draft.execute(
            """
            INSERT INTO fact (name, value) VALUES (?, ?)
            ON CONFLICT (name) DO UPDATE
            SET value = CASE WHEN excluded.value > fact.value THEN excluded.value ELSE fact.value END
            """,
            [factName, instant.nanoseconds]
        )
    }
}

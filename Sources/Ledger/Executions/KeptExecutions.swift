import GRDB
import Quota

/// Which executions the ledger still has. Audit records outlive them.
enum KeptExecutions {
    /// The fact that is left with each forgetting, in nanoseconds.
    static let factName = "executions_kept_since"

    /// Those that were admitted at this instant or later are all there; nil if none was ever deleted.
    static func since(in database: Database) throws -> Moment? {
        try Int64.fetchOne(database, sql: "SELECT value FROM fact WHERE name = ?", arguments: [factName])
            .map(Moment.init(nanoseconds:))
    }

    /// Notes, in the commit that forgets them, that older ones may be missing.
    static func store(since instant: Moment, in draft: Draft) throws {
        try draft.execute(
            """
            INSERT INTO fact (name, value) VALUES (?, ?)
            ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)
            """,
            [factName, instant.nanoseconds]
        )
    }
}

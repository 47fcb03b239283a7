import Auth
import Quota

/// What a ledger reads when it is opened.
struct Opening: Sendable {
    let ownKeys: OwnKeys
    let epoch: Int64
    let books: Books
    let committedAt: Moment
    /// What this ledger's gateways are called upstream.
    let installation: String

    /// Reads all of it, and counts this opening.
    init(database: any SQLConnection, sealer: Sealer, at now: Moment) throws {
        installation = try UpstreamKeyStore.installation(in: database)
        // Alone with the ledger: all of what follows is of one state.
        if database.dialect == .postgreSQL {
            try database.execute("SELECT pg_advisory_xact_lock(?)", [SharedTurns.lock(of: installation)])
        }
        ownKeys = try OwnKeys(from: database, sealer: sealer)
        guard let epoch = try database.value(Int64.self, Self.counting(in: database.dialect), [now.nanoseconds]),
            let chain = try AuditChain.readHead(from: database)
        else { throw LedgerFailure.unavailable("the ledger's facts are damaged") }
        self.epoch = epoch
        committedAt = chain.committedAt
        var books = try Accounts.load(from: database, sealer: sealer, at: max(now, chain.committedAt))
        books.head = chain.head
        if let last = try CheckpointStore.last(in: database) {
            books.lastCheckpoint = Books.LastCheckpoint(sequence: last.sequence, at: last.at ?? now)
        }
        books.editions = try UsageRow.editions(in: database)
        self.books = books
    }

    /// A query for the number of the last opening.
    static func last(in dialect: SQLDialect) -> String {
        switch dialect {
        case .sqlite: "SELECT value FROM fact WHERE name = 'epoch'"
        case .postgreSQL: "SELECT max(epoch) FROM gateway"
        }
    }

    /// Counts an opening, at `?1`, and returns its number.
    private static func counting(in dialect: SQLDialect) -> String {
        switch dialect {
        case .sqlite:
            """
            INSERT INTO fact (name, value) SELECT 'epoch', 1 WHERE ?1 IS NOT NULL
            ON CONFLICT (name) DO UPDATE SET value = fact.value + 1 RETURNING value
            """
        case .postgreSQL:
            """
            INSERT INTO gateway (started_at, renewed_at) VALUES (?1, \(SharedTurns.databaseTime)) RETURNING epoch
            """
        }
    }
}

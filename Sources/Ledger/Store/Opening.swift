import Auth
import GRDB
import Quota

/// What a ledger reads from its file when it is opened.
struct Opening: Sendable {
    let ownKeys: OwnKeys
    let epoch: Int64
    let books: Books
    let committedAt: Moment
    /// What this ledger's gateways are called upstream.
    let installation: String

    /// Reads all of it, and counts this opening.
    init(database: Database, sealer: Sealer, at now: Moment) throws {
        ownKeys = try OwnKeys(from: database, sealer: sealer)
        installation = try UpstreamKeyStore.installation(in: database)
        let sql = """
            INSERT INTO fact (name, value) VALUES ('epoch', 1)
            ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value
            """
        guard let epoch = try Int64.fetchOne(database, sql: sql),
            let chain = try AuditChain.readHead(from: database)
        else { throw LedgerFailure.unavailable("the ledger's facts are damaged") }
        self.epoch = epoch
        committedAt = chain.committedAt
        var books = try Accounts.load(from: database, sealer: sealer, at: max(now, chain.committedAt))
        books.head = chain.head
        if let last = try CheckpointStore.last(in: database) {
            books.lastCheckpoint = Books.LastCheckpoint(sequence: last.sequence, at: last.at ?? now)
        }
        self.books = books
    }
}

import Quota
import Synchronization

/// The turns of gateways that share a database. The database's transactions coordinate them, and nothing else.
///
/// A commit takes, in this order and until it is over: the ledger, together with others or, for what reaches everything, alone;
/// its tenants' rows, by their numbers, or upstream's room; the end of the chain. So none of them ever waits in a circle. The
/// instant is the database's, read once the tenants are locked and never behind what was written to them last.
final class SharedTurns: Turns {
    /// What gateways tell each other changed: a tenant's handle, ``common``, or ``stop``.
    static let channel = "e2b_gateway"
    static let common = "*"
    static let stop = "!"

    /// The instant by the database's clock.
    static let databaseTime = "(extract(epoch FROM clock_timestamp()) * 1000000000)::bigint"

    let isShared = true
    let standing: PeerStanding
    private let books: BooksBox
    private let lock: Int64
    private let roomLock: Int64
    private let time: DatabaseClock
    /// In place of the database's clock.
    private let clock: (@Sendable () -> Moment)?
    private let sharing: Sharing
    /// What the commit under way wrote, for the books.
    private let written = Mutex(Written())

    private struct Written {
        var editions: [String: Books.Edition] = [:]
        var commonEdition: Int64?
        /// Under which number this gateway goes on.
        var epoch: Int64?
        var hasLeft = false
    }

    /// - Parameters:
    ///   - installation: of the ledger: several may be in one database.
    ///   - time: the database's.
    ///   - clock: in its place.
    init(
        _ books: BooksBox, installation: String, standing: PeerStanding, time: DatabaseClock,
        clock: (@Sendable () -> Moment)?
    ) {
        self.books = books
        lock = Self.lock(of: installation)
        roomLock = Self.roomLock(of: installation)
        self.standing = standing
        self.time = time
        self.clock = clock
        sharing = Sharing { books.withLock(\.sealer) }
    }

    /// The number of a ledger's lock.
    static func lock(of installation: String) -> Int64 {
        Int64(bitPattern: UInt64(installation, radix: 16) ?? 0)
    }

    /// The number of the lock whose holder stands for all gateways of a ledger.
    static func electionLock(of installation: String) -> Int64 { ~lock(of: installation) }

    /// The number of the lock under which gateways divide upstream's room.
    static func roomLock(of installation: String) -> Int64 { lock(of: installation) ^ 1 }

    var epoch: Int64 { standing.epoch }
    var latestNow: Moment { clock?() ?? time.latest() }

    func begin(_ reach: Reach, in transaction: any SQLTransaction) throws -> Turn {
        written.withLock { $0 = Written() }
        var writtenAt = Moment(nanoseconds: 0)
        var head: AuditHead?
        switch reach {
        case .own:
            try transaction.execute("SELECT pg_advisory_xact_lock_shared(?)", [lock])
        case .tenants(let names):
            try transaction.execute("SELECT pg_advisory_xact_lock_shared(?)", [lock])
            writtenAt = try take(UsageRow.locked(names, in: transaction), in: transaction)
        case .room:
            try transaction.execute("SELECT pg_advisory_xact_lock_shared(?)", [lock])
            // Whoever changes a part knows all others as they are.
            try transaction.execute("SELECT pg_advisory_xact_lock(?)", [roomLock])
        case .everything:
            try transaction.execute("SELECT pg_advisory_xact_lock(?)", [lock])
            let end = try chainEnd(in: transaction)
            head = end.head
            writtenAt = max(try take(UsageRow.all(in: transaction), in: transaction), end.at)
        }
        let (now, epoch) = try enter(transaction)
        return Turn(now: max(now, writtenAt), epoch: epoch, head: head)
    }

    /// Has the books say what the rows say.
    ///
    /// - Returns: the instant of the last of them.
    private func take(_ rows: [UsageRow], in transaction: any SQLTransaction) throws -> Moment {
        let renewed = books.withLock { books in rows.filter { books.isBehind($0) }.map(\.name) }
        let loaded = try sharing.load(renewed, in: transaction)
        let news = books.withLock { books in
            let news = loaded.flatMap { books.take($0, isLocked: true) }
            for row in rows { books.take(row, isLocked: true) }
            return news
        }
        books.tell(news)
        return rows.map(\.writtenAt).max() ?? Moment(nanoseconds: 0)
    }

    /// Finds out whether this gateway may still write, and whether what belongs to no tenant has changed: under another root
    /// key nothing may be sealed any more. If others took it for dead it goes on under another number: what it runs under the
    /// old one is theirs to settle.
    private func enter(_ transaction: any SQLTransaction) throws -> (now: Moment, epoch: Int64) {
        guard !standing.hasLeft else { throw LedgerFailure.unavailable("the ledger is closed") }
        let sql = """
            SELECT \(Self.databaseTime) AS now,
                (SELECT ended_at IS NULL FROM gateway WHERE epoch = ?) AS is_alive,
                (SELECT value FROM fact WHERE name = 'common_edition') AS common
            """
        let (epoch, asked) = (epoch, ContinuousClock.now)
        guard let row = try transaction.row(sql, [epoch]) else { throw LedgerFailure.damaged("gateway") }
        let now = Moment(nanoseconds: row["now"])
        time.read(now, askedAt: asked)
        try sharing.takeCommon(edition: row["common"], into: books, in: transaction)
        guard row["is_alive"] as Bool? != true else { return (clock?() ?? now, epoch) }
        let anew = try transaction.insert(
            "INSERT INTO gateway (started_at, renewed_at) VALUES (?1, ?1) RETURNING epoch", [now.nanoseconds])
        written.withLock { $0.epoch = anew }
        return (clock?() ?? now, anew)
    }

    func store(
        _ usage: Usage, rate: RateState?, of tenant: Tenant, isRenewed: Bool, at now: Moment,
        in transaction: any SQLTransaction
    ) throws {
        let edition = UsageRow.next(after: books.withLock { $0.editions[tenant.handle] }, isRenewed: isRenewed)
        try transaction.execute(
            """
            INSERT INTO usage (tenant, usage, rate_next_free, revision, edition, written_at) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (tenant) DO UPDATE
            SET usage = excluded.usage, rate_next_free = excluded.rate_next_free, revision = excluded.revision,
                edition = excluded.edition, written_at = excluded.written_at
            """,
            [
                tenant.id, try Document.text(usage), rate?.nextFree?.nanoseconds, edition.revision, edition.edition,
                now.nanoseconds,
            ])
        written.withLock { $0.editions[tenant.handle] = edition }
        if isRenewed { try Self.tell(tenant.handle, in: transaction) }
    }

    func chainEnd(in transaction: any SQLTransaction) throws -> (head: AuditHead, at: Moment) {
        let sql = "SELECT sequence, hash, committed_at FROM chain WHERE stream = ? FOR UPDATE"
        guard let row = try transaction.row(sql, [AuditChain.stream]) else { throw LedgerFailure.damaged("chain") }
        return (
            AuditHead(sequence: row["sequence"], hash: row["hash"]), Moment(nanoseconds: row["committed_at"])
        )
    }

    func renewCommon(in transaction: any SQLTransaction) throws {
        let edition = try transaction.value(
            Int64.self, "UPDATE fact SET value = value + 1 WHERE name = 'common_edition' RETURNING value")
        written.withLock { $0.commonEdition = edition }
        try Self.tell(Self.common, in: transaction)
    }

    /// Has all gateways look, once the transaction is committed.
    static func tell(_ what: String, in transaction: any SQLConnection) throws {
        try transaction.execute("SELECT pg_notify(?, ?)", [channel, what])
    }

    func committed(into books: inout Books) -> [PeerNews] {
        let written = written.withLock { $0 }
        books.editions.merge(written.editions) { $1 }
        // Also where somebody else has taken up what is newer meanwhile, over which this went: it is looked for again.
        if let edition = written.commonEdition { books.commonEdition = edition }
        if written.hasLeft { standing.left() }
        guard let epoch = written.epoch else { return [] }
        standing.replaced(by: epoch)
        return [.replaced]
    }
}

// What this gateway and the others know of each other.
extension SharedTurns {
    func showLife(in transaction: any SQLTransaction) throws {
        try transaction.execute(
            "UPDATE gateway SET renewed_at = \(Self.databaseTime) WHERE epoch = ? AND ended_at IS NULL",
            [presentEpoch])
    }

    /// Also in the commit in which it gets another one.
    private var presentEpoch: Int64 { written.withLock(\.epoch) ?? epoch }

    var peerReport: PeerReport? { standing.report() }

    func othersLive(_ count: Int) { standing.othersLive(count) }

    func lifeShown(at instant: ContinuousClock.Instant) { standing.shown(at: instant) }

    func isCutOff() -> Bool { standing.isCutOff() }

    var livesFor: Duration { standing.livesFor() }

    func leave(in transaction: any SQLTransaction) throws {
        try transaction.execute(
            "UPDATE gateway SET ended_at = \(Self.databaseTime) WHERE epoch = ? AND ended_at IS NULL",
            [presentEpoch])
        written.withLock { $0.hasLeft = true }
    }

    func look(
        at detail: PeerDetail, in snapshot: any SQLConnection, askedAt instant: ContinuousClock.Instant
    ) throws {
        let news = try sharing.look(at: detail, into: books, of: epoch, in: snapshot)
        standing.seen(at: instant)
        books.tell(news)
    }

    func checkSight() throws(LedgerFailure) { try standing.checkSight() }

    func isOver(_ column: String) -> String {
        "NOT EXISTS (SELECT 1 FROM gateway WHERE gateway.epoch = \(column) AND ended_at IS NULL)"
    }
}

import Quota

/// How the gateways of one ledger take turns at writing, and what each knows of the others.
protocol Turns: Sendable {
    /// How this gateway stands among others; nil where there are none.
    var peerReport: PeerReport? { get }

    /// Whether there may be other gateways, so that memory may be behind the disk.
    var isShared: Bool { get }

    /// The number of this gateway's opening. Leases of gateways that are gone bear other ones.
    var epoch: Int64 { get }

    /// Not earlier than any instant by which a limit is judged now.
    var latestNow: Moment { get }

    /// Begins a commit: until it is over nobody else writes what it reaches, and the books say what is there.
    ///
    /// - Throws: ``SQLFailure``, ``LedgerFailure/unavailable(_:)`` if this gateway may not write any more.
    func begin(_ reach: Reach, in transaction: any SQLTransaction) throws -> Turn

    /// Writes a tenant's usage.
    ///
    /// - Parameter isRenewed: whether something else of the tenant's changed that gateways keep in memory.
    func store(
        _ usage: Usage, rate: RateState?, of tenant: Tenant, isRenewed: Bool, at now: Moment,
        in transaction: any SQLTransaction
    ) throws

    /// Where the chain ends, which nobody else moves until the commit is over, and the instant of its last record.
    func chainEnd(in transaction: any SQLTransaction) throws -> (head: AuditHead, at: Moment)

    /// Writes that something changed which belongs to no tenant and which gateways keep in memory.
    func renewCommon(in transaction: any SQLTransaction) throws

    /// The commit is over, and goes into the books.
    ///
    /// - Returns: what is to be told when the books are closed again.
    func committed(into books: inout Books) -> [PeerNews]

    /// Writes that this gateway is alive.
    func showLife(in transaction: any SQLTransaction) throws

    /// That was written, by a commit that began at `instant`.
    func lifeShown(at instant: ContinuousClock.Instant)

    /// Whether this gateway has been unable to show life for so long that it must end what it runs; true once each time.
    func isCutOff() -> Bool

    /// How long other gateways bear with this one at least, from now on, whatever happens; not above zero if they may not.
    var livesFor: Duration { get }

    /// Writes that this gateway is gone, so that nobody has to wait for its death. It writes nothing afterwards.
    func leave(in transaction: any SQLTransaction) throws

    /// So many other gateways have the ledger open.
    func othersLive(_ count: Int)

    /// Takes up what other gateways changed, in a snapshot that was asked for at `instant`.
    func look(at detail: PeerDetail, in snapshot: any SQLConnection, askedAt instant: ContinuousClock.Instant) throws

    /// Throws ``LedgerFailure/unavailable(_:)`` if what is in memory is too old to be believed.
    func checkSight() throws(LedgerFailure)

    /// The condition under which an epoch is of a gateway that is gone.
    ///
    /// - Parameter column: with its table.
    func isOver(_ column: String) -> String
}

/// What a commit begins with.
struct Turn {
    /// One instant for all that is in the commit.
    let now: Moment
    /// The number under which this gateway's leases stand.
    let epoch: Int64
    /// Where the chain ends; nil while others may move it.
    let head: AuditHead?
}

/// What is looked for of what other gateways changed.
enum PeerDetail: Sendable {
    /// What calls are judged by before a commit judges them.
    case changes
    /// And what tenants have used.
    case usage
    /// And how much keys were used.
    case keyUses
}

/// The turns of a gateway that has its ledger to itself.
final class SoleTurns: Turns {
    let isShared = false
    let epoch: Int64
    private let books: BooksBox
    private let clock: LedgerClock

    init(_ books: BooksBox, epoch: Int64, _ clock: LedgerClock) {
        self.books = books
        self.epoch = epoch
        self.clock = clock
    }

    var latestNow: Moment { clock.now() }

    func begin(_ reach: Reach, in transaction: any SQLTransaction) -> Turn {
        Turn(now: clock.now(), epoch: epoch, head: books.withLock(\.head))
    }

    func store(
        _ usage: Usage, rate: RateState?, of tenant: Tenant, isRenewed: Bool, at now: Moment,
        in transaction: any SQLTransaction
    ) throws {
        try Accounts.storeUsage(usage, rate: rate, of: tenant, in: transaction)
    }

    func chainEnd(in transaction: any SQLTransaction) -> (head: AuditHead, at: Moment) {
        (books.withLock(\.head), clock.now())
    }

    func isOver(_ column: String) -> String { "\(column) < \(epoch)" }

    // There is nobody else.
    var peerReport: PeerReport? { nil }
    func othersLive(_ count: Int) {}
    func renewCommon(in transaction: any SQLTransaction) {}
    func committed(into books: inout Books) -> [PeerNews] { [] }
    func showLife(in transaction: any SQLTransaction) {}
    func lifeShown(at instant: ContinuousClock.Instant) {}
    func isCutOff() -> Bool { false }
    var livesFor: Duration { .seconds(Int64.max / 1_000_000_000) }
    func leave(in transaction: any SQLTransaction) {}
    func look(at detail: PeerDetail, in snapshot: any SQLConnection, askedAt instant: ContinuousClock.Instant) {}
    func checkSight() {}
}

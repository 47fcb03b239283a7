import Quota

/// How the gateways of one ledger take turns at writing.
protocol Turns: Sendable {
    /// Whether writes that reach everything are best left to a commit of their own.
    var isShared: Bool { get }

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
    func committed(into books: inout Books)
}

/// What a commit begins with.
struct Turn {
    /// One instant for all that is in the commit.
    let now: Moment
    /// Where the chain ends; nil while others may move it.
    let head: AuditHead?
}

/// The turns of a gateway that has its ledger to itself.
final class SoleTurns: Turns {
    let isShared = false
    private let books: BooksBox
    private let clock: LedgerClock

    init(_ books: BooksBox, _ clock: LedgerClock) {
        self.books = books
        self.clock = clock
    }

    func begin(_ reach: Reach, in transaction: any SQLTransaction) -> Turn {
        Turn(now: clock.now(), head: books.withLock(\.head))
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

    func renewCommon(in transaction: any SQLTransaction) {}

    func committed(into books: inout Books) {}
}

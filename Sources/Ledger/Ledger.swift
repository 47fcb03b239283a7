public import Auth
public import Logging
public import Quota
public import ServiceLifecycle

/// The system of record: tenants, keys, policies, usage, leases, executions, sandboxes, audit.
///
/// In a SQLite file (WAL, every commit synced) that one process has to itself, or in PostgreSQL, where several gateways take
/// ``Turns``. Everything that changes goes through ``GroupCommit``: callers proceed only when the disk has what they did, with
/// its audit record, in one commit. What callers ask often (keys, policies, rates) is answered from memory, which is never
/// ahead of the disk.
public final class Ledger: Service, Sendable {
    /// What this ledger's gateways are called upstream: 16 hex digits, random, the same for as long as the ledger lives, in
    /// every copy of it.
    public let installation: String
    /// Where it is.
    public let location: LedgerLocation
    let clock: LedgerClock
    let ownKeys: OwnKeys
    let books: BooksBox
    let turns: any Turns
    let timing: PeerTiming
    let commits: GroupCommit
    let database: any LedgerDatabase
    let debts: Debts
    let looking = Looking()
    let election: (any Election)?
    let held: HeldSandboxes
    let claimed = ClaimedLeases()
    let nonceLimits: NonceLimits
    let retention: Retention
    let refusals = RefusalJournal()
    let calls = CallJournal()
    let logger: Logger
    /// Stands in for keys that do not exist, so that they cost what others cost.
    let nobody: TokenVerifier

    /// Makes a new ledger in a file and opens it.
    ///
    /// - Parameters:
    ///   - path: Where; the file must not exist, its folder must. It gets mode 0600.
    ///   - rootKey: What its secrets are sealed under. Keep it elsewhere: without it the ledger cannot be opened.
    ///   - actor: Who is said to have made it, in the first audit record.
    ///   - nonceLimits: How many nonces of signed requests are remembered at once.
    ///   - retention: How long executions and audit records are kept.
    ///   - clock: Instants, by default the wall clock; for quotas as it was at the start, and monotonic time since.
    ///   - wall: In place of the wall clock alone, by which credentials live; by default `clock` if that is given.
    ///   - logger: Where the ledger's troubles are told.
    /// - Throws: ``LedgerFailure/exists(path:)``, ``LedgerFailure/inUse(path:)``, ``LedgerFailure/unavailable(_:)``.
    public static func create(
        at path: String, rootKey: RootKey, by actor: Actor = "local", nonceLimits: NonceLimits = NonceLimits(),
        retention: Retention = .standard, clock: (@Sendable () -> Moment)? = nil,
        wall: (@Sendable () -> Moment)? = nil,
        logger: Logger = Logger(label: "ledger")
    ) throws(LedgerFailure) -> Ledger {
        try create(
            in: .file(path: path), rootKey: rootKey, by: actor, nonceLimits: nonceLimits, retention: retention,
            clock: clock, wall: wall, logger: logger)
    }

    /// The same anywhere. On a server, the database must be there and must not hold a ledger in the user's schema.
    ///
    /// - Parameter timing: How long the gateways of one ledger bear with each other.
    public static func create(
        in location: LedgerLocation, rootKey: RootKey, by actor: Actor = "local",
        nonceLimits: NonceLimits = NonceLimits(), retention: Retention = .standard,
        clock: (@Sendable () -> Moment)? = nil, wall: (@Sendable () -> Moment)? = nil,
        timing: PeerTiming = PeerTiming(), logger: Logger = Logger(label: "ledger")
    ) throws(LedgerFailure) -> Ledger {
        let database = try location.create()
        do {
            return try Ledger(
                location: location, database: database, rootKey: rootKey, nonceLimits: nonceLimits,
                retention: retention, clock: clock, wall: wall, timing: timing, logger: logger,
                preparing: { database, sealer, now in
                    try location.layTables(in: database)
                    try OwnKeys.create(in: database, sealer: sealer)
                    var entry = AuditEntry(.ledgerCreated)
                    entry.actor = actor.name
                    var head = AuditHead.start
                    try AuditChain.append(entry, to: &head, at: now, in: database)
                    try AuditChain.store(head, at: now, in: database)
                }
            )
        } catch {
            location.remove(database)
            throw error
        }
    }

    /// Opens a ledger and takes it for this process, until ``close()`` or until the last reference is gone.
    ///
    /// - Parameters: as for ``create(at:rootKey:by:nonceLimits:retention:clock:wall:logger:)``.
    /// - Throws: ``LedgerFailure/missing(path:)``, ``LedgerFailure/inUse(path:)``, ``LedgerFailure/notALedger(path:)``,
    ///   ``LedgerFailure/tooNew(path:)``, ``LedgerFailure/wrongRootKey``, ``LedgerFailure/unavailable(_:)``.
    public static func open(
        at path: String, rootKey: RootKey, nonceLimits: NonceLimits = NonceLimits(),
        retention: Retention = .standard, clock: (@Sendable () -> Moment)? = nil,
        wall: (@Sendable () -> Moment)? = nil,
        logger: Logger = Logger(label: "ledger")
    ) throws(LedgerFailure) -> Ledger {
        try open(
            in: .file(path: path), rootKey: rootKey, nonceLimits: nonceLimits, retention: retention, clock: clock,
            wall: wall, logger: logger)
    }

    /// The same anywhere. On a server others may have it open as well: this process must show them that it lives, by
    /// ``run()``, if it has it open for longer than they are patient.
    ///
    /// - Parameter timing: How long the gateways of one ledger bear with each other.
    public static func open(
        in location: LedgerLocation, rootKey: RootKey, nonceLimits: NonceLimits = NonceLimits(),
        retention: Retention = .standard, clock: (@Sendable () -> Moment)? = nil,
        wall: (@Sendable () -> Moment)? = nil, timing: PeerTiming = PeerTiming(),
        logger: Logger = Logger(label: "ledger")
    ) throws(LedgerFailure) -> Ledger {
        try Ledger(
            location: location, database: try location.open(with: rootKey), rootKey: rootKey, nonceLimits: nonceLimits,
            retention: retention, clock: clock, wall: wall, timing: timing, logger: logger,
            preparing: { _, _, _ in })
    }

    private init(
        location: LedgerLocation, database: any LedgerDatabase, rootKey: RootKey, nonceLimits: NonceLimits,
        retention: Retention, clock: (@Sendable () -> Moment)?, wall: (@Sendable () -> Moment)?,
        timing: PeerTiming, logger: Logger,
        preparing: (any SQLConnection, Sealer, Moment) throws -> Void
    ) throws(LedgerFailure) {
        let (source, time) = (clock, DatabaseClock())
        let clock =
            switch location {
            case .file: LedgerClock(source: source, wall: wall)
            case .server: LedgerClock(source: source ?? time.earliest, wall: wall ?? source ?? LedgerClock.realtime)
            }
        let sealer = Sealer(rootKey)
        let opening: Opening
        do {
            opening = try database.prepare { database in
                try Self.read(time, in: database)
                try preparing(database, sealer, clock.now())
                return try Opening(database: database, sealer: sealer, at: clock.now())
            }
            let behind = clock.advance(to: opening.committedAt)
            if behind > .seconds(60) {
                logger.warning(
                    "the clock is behind the ledger's last commit, and is taken to go on from there",
                    metadata: ["seconds": "\(behind.secondsRoundedUp)"]
                )
            }
            ownKeys = opening.ownKeys
            installation = opening.installation
            books = BooksBox(opening.books)
        } catch {
            throw LedgerStore.failure(error, path: location.description)
        }
        self.location = location
        self.database = database
        self.clock = clock
        self.nonceLimits = nonceLimits
        self.retention = retention
        self.timing = timing
        self.logger = logger
        turns =
            switch location {
            case .file: SoleTurns(books, epoch: opening.epoch, clock)
            case .server:
                SharedTurns(
                    books, installation: installation, standing: PeerStanding(epoch: opening.epoch, timing: timing),
                    time: time, clock: source)
            }
        election = database.election(about: SharedTurns.electionLock(of: opening.installation))
        commits = GroupCommit(database: database, books: books, turns: turns, clock: clock)
        debts = Debts()
        held = HeldSandboxes()
        nobody = TokenVerifier(keyID: .random(), secret: .random())
    }

    private static func read(_ time: DatabaseClock, in database: any SQLConnection) throws {
        guard database.dialect == .postgreSQL else { return }
        let asked = ContinuousClock.now
        let now = try database.value(Int64.self, "SELECT \(SharedTurns.databaseTime)")
        if let now { time.read(Moment(nanoseconds: now), askedAt: asked) }
    }

    // The writer may still be about to let go of the database.
    deinit { database.abandon() }

    /// Writes what is queued and what is owed, as far as the disk allows, and lets go of the database.
    public func close() async {
        await payDebts()
        await writeLateThings()
        await writeCalls()
        await writeRefusals(all: true)
        await leavePeers()
        commits.close()
        do {
            // Waits for the writer, and so for what is queued.
            try database.close()
        } catch {
            logger.warning(
                "the ledger's file did not close well", metadata: ["reason": "\(LedgerStore.failure(error))"])
        }
    }

    /// The same as ``read(_:)`` for what is quick and must not wait behind what is slow.
    func glance<Value: Sendable>(
        _ query: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws(LedgerFailure) -> Value {
        do {
            return try await database.glance(query)
        } catch {
            throw LedgerStore.failure(error)
        }
    }

    /// Runs a query against a consistent snapshot, beside the writer.
    func read<Value: Sendable>(
        _ query: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws(LedgerFailure) -> Value {
        do {
            return try await database.read(query)
        } catch {
            throw LedgerStore.failure(error)
        }
    }
}

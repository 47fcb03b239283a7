public import Auth
import GRDB
import Glibc
import Quota

/// A ledger in a file on its way to PostgreSQL, held meanwhile so that no gateway serves from it.
///
/// All of it arrives in one transaction, which is committed when everything was found to be there and sound. Right before,
/// the file is renamed, so that whatever happens nobody goes on with both; a failure renames it back. Interrupted at any
/// point, the move can be repeated: it begins anew, or finds that nothing is left to be done.
public final class LedgerMove: Sendable {
    /// How far it is.
    public enum Progress: Sendable {
        /// The fraction of the rows that is copied.
        case copying(Double)
        case checking
        /// From here on the file is not served from.
        case committing
    }

    /// A ledger that has moved.
    public struct Moved: Sendable {
        /// Where the file is now.
        public let keptAt: String
        /// How many rows there are, of all tables.
        public let rows: Int64
        /// What a check of the ledger found where it is now; nil if it had moved before, and only its file was left to be
        /// renamed.
        public let check: LedgerCheck?
        /// The number of the last audit record of the file.
        public let sequence: Int64
        /// Its hash, in hex.
        public let hash: String
    }

    let file: MovedFile
    let place: String
    let target: PostgreSQLDatabase
    let sealer: Sealer
    /// How long a commit is looked for of which nobody heard.
    private let patience: Duration
    private let lock: LedgerLock

    /// Takes the ledger's file. Nothing is changed.
    ///
    /// - Parameters:
    ///   - path: Where the ledger is served from; its file may stand aside already, since a move was interrupted.
    ///   - target: A database on a server, in which there is no ledger.
    ///   - rootKey: What its secrets are sealed under, before the move and after.
    /// - Throws: ``LedgerMoveFailure/ledger(_:)`` with ``LedgerFailure/inUse(path:)`` if a gateway or a command has it open,
    ///   ``LedgerFailure/missing(path:)``, ``LedgerFailure/notALedger(path:)``; ``LedgerMoveFailure/wrongRootKey``,
    ///   ``LedgerMoveFailure/keptFileInTheWay(path:)``.
    public convenience init(
        of path: String, to target: LedgerLocation, rootKey: RootKey
    ) throws(LedgerMoveFailure) {
        guard case .server(let server) = target else { throw .ledger(.exists(path: target.description)) }
        try self.init(of: path, to: server, rootKey: rootKey)
    }

    /// The same, with another patience.
    init(
        of path: String, to location: PostgreSQLLocation, rootKey: RootKey, patience: Duration = .seconds(30)
    ) throws(LedgerMoveFailure) {
        self.patience = patience
        file = MovedFile(path: path)
        place = location.description
        target = PostgreSQLDatabase(at: location, preparing: .moving)
        sealer = Sealer(rootKey)
        if !file.hasLeft, FileOnDisk.exists(file.keptAt) { throw .keptFileInTheWay(path: file.keptAt) }
        do throws(LedgerFailure) {
            try LedgerStore.checkFile(at: file.current)
            lock = try LedgerLock(path: path)
            guard try Ledger.fits(rootKey: rootKey, at: file.current) else { throw LedgerFailure.wrongRootKey }
        } catch {
            throw error == .wrongRootKey ? .wrongRootKey : .ledger(error)
        }
    }

    deinit { release() }

    /// Lets go of the file. Happens by itself when the move is dropped.
    public func release() {
        target.close()
        lock.release()
    }

    /// Where the file is of a ledger that is served from this path, or was.
    public static func file(of path: String) -> String { MovedFile(path: path).current }

    /// Where a ledger went that was moved from this path; nil if none was. The text is empty where that is not known.
    public static func destination(from path: String) -> String? {
        let file = MovedFile(path: path)
        return file.hasLeft ? file.destination ?? "" : nil
    }

    /// Moves it. Blocks its thread until then.
    ///
    /// - Parameter actor: Who is said to have moved it, in the first audit record that follows.
    /// - Throws: ``LedgerMoveFailure``.
    public func perform(
        by actor: Actor, progress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) throws(LedgerMoveFailure) -> Moved {
        do {
            if file.hasLeft, let place = file.destination, place != self.place {
                throw LedgerMoveFailure.left(for: place)
            }
            let source = try prepareFile()
            if let moved = try finishEarlierMove(of: source) { return moved }
            return try copy(source, by: actor, progress)
        } catch let failure as LedgerMoveFailure {
            throw failure
        } catch {
            throw .ledger(LedgerStore.failure(error, path: file.current))
        }
    }

    /// Brings the file up to date, as the next start would, and folds its journals into it: from then on it stands alone.
    private func prepareFile() throws -> MovedState {
        let path = file.current
        let pool = try LedgerStore.openPool(at: path)
        try LedgerStore.migrate(pool, path: path)
        let state = try pool.write { database in try MovedState(of: SQLiteConnection(database), sealer) }
        try pool.close()
        guard try LedgerStore.foldJournal(at: path) else {
            throw LedgerFailure.unavailable("the journal of \(path) cannot be folded into it")
        }
        return state
    }

    /// Finds out whether this ledger is there already, and takes its file out of the way if so.
    private func finishEarlierMove(of source: MovedState) throws -> Moved? {
        guard try hasArrived(source) else { return nil }
        try file.leave(for: place)
        return Moved(
            keptAt: file.keptAt, rows: 0, check: nil, sequence: source.head.sequence, hash: Hex.text(source.head.hash))
    }

    /// - Throws: ``LedgerMoveFailure/occupied(_:)``, ``LedgerMoveFailure/diverged(_:)``, ``SQLFailure``.
    private func hasArrived(_ source: MovedState) throws -> Bool {
        try target.prepare { transaction in
            // A commit of which nobody heard may still be under way.
            try PostgreSQLSchema.lockTables(in: transaction)
            guard try PostgreSQLSchema.hasLedger(in: transaction) else { return false }
            guard try UpstreamKeyStore.installation(in: transaction) == source.installation else {
                throw LedgerMoveFailure.occupied(place)
            }
            let next = try transaction.row("SELECT record FROM audit WHERE sequence = ?", [source.head.sequence + 1])
            let last = try transaction.row("SELECT hash FROM audit WHERE sequence = ?", [source.head.sequence])
            guard let next, let last, last["hash"] as [UInt8] == source.head.hash,
                (next["record"] as String).contains("\"action\":\"\(AuditAction.ledgerMoved.rawValue)\"")
            else { throw LedgerMoveFailure.diverged(place) }
            return true
        }
    }

    private func copy(
        _ source: MovedState, by actor: Actor, _ progress: @escaping @Sendable (Progress) -> Void
    ) throws -> Moved {
        do {
            return try target.prepare { transaction in
                let arrival = try Arrival(of: source, in: transaction, at: place)
                let rows = try LedgerStore.snapshot(at: file.current) { database in
                    try arrival.copy(from: database) { progress(.copying($0)) }
                }
                progress(.checking)
                try arrival.record(from: file.path, by: actor)
                let check = try arrival.check(sealer)
                guard check.isSound else { throw LedgerMoveFailure.unsound(check) }
                try file.leave(for: place)
                progress(.committing)
                return Moved(
                    keptAt: file.keptAt, rows: rows, check: check, sequence: source.head.sequence,
                    hash: Hex.text(source.head.hash))
            }
        } catch let failure as SQLFailure where failure.kind == .unknownOutcome {
            return try decide(after: failure, source)
        } catch {
            try file.comeBack()
            throw error
        }
    }

    /// Looks whether a commit took place of which nobody heard.
    private func decide(after failure: SQLFailure, _ source: MovedState) throws -> Moved {
        let deadline = ContinuousClock.now + patience
        repeat {
            do {
                if let moved = try finishEarlierMove(of: source) { return moved }
                try file.comeBack()
                throw LedgerFailure.unavailable(failure.reason)
            } catch is SQLFailure {
                usleep(Self.pause)
            }
        } while ContinuousClock.now < deadline
        throw LedgerMoveFailure.undecided(failure.reason)
    }

    private static let pause: UInt32 = 200_000
}

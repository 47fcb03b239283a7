import GRDB
import Quota
import Synchronization

/// The ledger's one writer: gathers what callers want to write while the disk is busy, and writes it in one commit.
///
/// A synced commit costs a flush of the disk whether it holds one call or two hundred. While one is under way the next
/// callers queue up; when it is done they all go into the following one, each within a savepoint of its own, so that
/// one that fails takes nobody along.
final class GroupCommit: Sendable {
    private struct Queue {
        var waiting: [any PendingWrite] = []
        var isDraining = false
        var isClosed = false
        var commits = 0
        var failures = 0
        var lastCommitAt: Moment?
        var lastFailure: LedgerFailure?
    }

    /// Bounds how long a commit takes, and so how long the first in it waits for the last.
    static let largestCommit = 256
    /// Bounds memory when the disk hangs; beyond it calls are refused at once.
    static let longestQueue = 8_192

    let pool: DatabasePool
    private let books: BooksBox
    private let clock: LedgerClock
    private let queue = Mutex(Queue())

    init(pool: DatabasePool, books: BooksBox, clock: LedgerClock) {
        self.pool = pool
        self.books = books
        self.clock = clock
    }

    /// How many transactions have been committed.
    var commits: Int { queue.withLock { $0.commits } }

    /// How many transactions could not be committed.
    var failures: Int { queue.withLock { $0.failures } }

    /// How many writes wait for a commit to begin.
    var waiting: Int { queue.withLock { $0.waiting.count } }

    /// When the last commit succeeded, provided that none failed since and that there may be another.
    var healthySince: Moment? {
        queue.withLock { $0.lastFailure == nil && !$0.isClosed ? $0.lastCommitAt : nil }
    }

    /// Why the last commit failed, unless one has succeeded since.
    var lastFailure: LedgerFailure? { queue.withLock { $0.lastFailure } }

    /// Runs `body` in the next commit and returns when that is on disk. If it is not, nothing of `body` remains.
    func submit<Value: Sendable>(
        _ body: @escaping @Sendable (inout Draft) throws -> Value
    ) async throws(LedgerFailure) -> Value {
        let result: Result<Value, LedgerFailure> = await withCheckedContinuation { caller in
            enqueue(Write(body, caller: caller))
        }
        return try result.get()
    }

    /// Refuses everything from now on; what is queued is still written.
    func close() {
        queue.withLock { $0.isClosed = true }
    }

    private func enqueue(_ write: any PendingWrite) {
        enum Answer {
            case queued, queuedFirst
            case refused(LedgerFailure)
        }
        let answer = queue.withLock { queue -> Answer in
            guard !queue.isClosed else { return .refused(.unavailable("the ledger is closed")) }
            guard queue.waiting.count < Self.longestQueue else {
                return .refused(.unavailable("too many calls wait for the ledger"))
            }
            queue.waiting.append(write)
            defer { queue.isDraining = true }
            return queue.isDraining ? .queued : .queuedFirst
        }
        switch answer {
        case .queued: break
        case .queuedFirst: pool.asyncWriteWithoutTransaction { [self] database in drain(database) }
        case .refused(let failure): write.failed(failure)
        }
    }

    private func drain(_ database: Database) {
        while let batch = nextBatch() { commit(batch, in: database) }
    }

    private func nextBatch() -> [any PendingWrite]? {
        queue.withLock { queue in
            guard !queue.waiting.isEmpty else {
                queue.isDraining = false
                return nil
            }
            let batch = Array(queue.waiting.prefix(Self.largestCommit))
            queue.waiting.removeFirst(batch.count)
            return batch
        }
    }

    private func commit(_ batch: [any PendingWrite], in database: Database) {
        var written: [any PendingWrite] = []
        var refused: [(any PendingWrite, LedgerFailure)] = []
        do {
            var draft = Draft(database: database, books: books, now: clock.now(), wall: clock.wall())
            try database.inTransaction(.immediate) {
                for write in batch {
                    if let failure = try attempt(write, in: &draft) {
                        refused.append((write, failure))
                    } else {
                        written.append(write)
                    }
                }
                try draft.writeShared()
                return .commit
            }
            draft.publish()
            queue.withLock { queue in
                queue.commits += 1
                queue.lastCommitAt = draft.now
                queue.lastFailure = nil
            }
        } catch {
            let failure = LedgerStore.failure(error)
            if LedgerStore.isDamage(error) { try? database.execute(sql: "PRAGMA shrink_memory") }
            let latecomers = queue.withLock { queue -> [any PendingWrite] in
                queue.failures += 1
                queue.lastFailure = failure
                // Whoever queued up while this waited for somebody's lock has waited for it too.
                guard LedgerStore.isLocked(error) else { return [] }
                defer { queue.waiting = [] }
                return queue.waiting
            }
            for write in batch + latecomers { write.failed(failure) }
            return
        }
        for write in written { write.committed() }
        for (write, failure) in refused { write.failed(failure) }
    }

    /// Runs one write in a savepoint. Returns why it alone failed; throws when the transaction itself is lost.
    private func attempt(_ write: any PendingWrite, in draft: inout Draft) throws -> LedgerFailure? {
        // Prepared once: GRDB's own savepoints are parsed anew each time.
        try draft.execute("SAVEPOINT one_write", [])
        do {
            try write.perform(in: &draft)
        } catch let error as DatabaseError where !Self.concernsOneWrite(error) {
            throw error
        } catch {
            try draft.execute("ROLLBACK TO SAVEPOINT one_write", [])
            try draft.execute("RELEASE SAVEPOINT one_write", [])
            draft.discard()
            return LedgerStore.failure(error)
        }
        try draft.execute("RELEASE SAVEPOINT one_write", [])
        draft.keep()
        return nil
    }

    /// Whether SQLite objected to the values rather than failed at its work.
    private static func concernsOneWrite(_ error: DatabaseError) -> Bool {
        [.SQLITE_CONSTRAINT, .SQLITE_TOOBIG, .SQLITE_MISMATCH, .SQLITE_RANGE].contains(error.resultCode)
    }
}

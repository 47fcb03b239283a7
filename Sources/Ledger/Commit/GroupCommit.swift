import Quota
import Synchronization

/// The ledger's one writer: gathers what callers want to write while the disk is busy, and writes it in one commit.
///
/// A synced commit costs a flush of the disk whether it holds one call or two hundred. While one is under way the next
/// callers queue up; when it is done they all go into the following one, and one that fails takes nobody along. In a file each
/// is within a savepoint of its own. On a server, where savepoints are dear and hundreds of them slow everybody down, they
/// are so only when one of them has failed, in a second attempt.
final class GroupCommit: Sendable {
    private struct Queue {
        var waiting: [any PendingWrite] = []
        var isDraining = false
        var isClosed = false
        var commits = 0
        var failures = 0
        var lastCommitAt: Moment?
        var lastFailure: LedgerFailure?
        var lastUnknownOutcome: ContinuousClock.Instant?
        /// Since when the commit under way is.
        var underWaySince: ContinuousClock.Instant?

        /// Whether nobody should wait for the commit under way.
        var isStalled: Bool { underWaySince.map { .now - $0 >= GroupCommit.patience } ?? false }
    }

    /// Bounds how long a commit takes, and so how long the first in it waits for the last.
    static let largestCommit = 256
    /// For how long calls wait for a commit that is not theirs, where a database elsewhere may be silent: the writer may have to
    /// find out for seconds what became of one.
    static let patience = Duration.seconds(2)
    /// Bounds memory when the disk hangs; beyond it calls are refused at once.
    static let longestQueue = 8_192

    private let database: any LedgerDatabase
    private let books: BooksBox
    private let turns: any Turns
    private let clock: LedgerClock
    private let queue = Mutex(Queue())
    let observer = CommitObserver()

    init(database: any LedgerDatabase, books: BooksBox, turns: any Turns, clock: LedgerClock) {
        self.database = database
        self.books = books
        self.turns = turns
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

    /// When it was last not known of a commit whether it is there, although its writes were refused.
    var lastUnknownOutcome: ContinuousClock.Instant? { queue.withLock { $0.lastUnknownOutcome } }

    /// What those commits left is dealt with.
    func unknownOutcomesSettled(until instant: ContinuousClock.Instant) {
        queue.withLock { queue in
            if queue.lastUnknownOutcome == instant { queue.lastUnknownOutcome = nil }
        }
    }

    /// Runs `body` in the next commit and returns when that is on disk. If it is not, nothing of `body` remains.
    ///
    /// - Parameter reach: which rows it may touch.
    func submit<Value: Sendable>(
        _ reach: Reach = .everything, _ body: @escaping @Sendable (inout Draft) throws -> Value
    ) async throws(LedgerFailure) -> Value {
        let result: Result<Value, LedgerFailure> = await withCheckedContinuation { caller in
            enqueue(Write(reach, body, caller: caller))
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
            guard !turns.isShared || !queue.isStalled else { return .refused(Self.stalled) }
            guard queue.waiting.count < Self.longestQueue else {
                return .refused(.unavailable("too many calls wait for the ledger"))
            }
            queue.waiting.append(write)
            defer { queue.isDraining = true }
            return queue.isDraining ? .queued : .queuedFirst
        }
        switch answer {
        case .queued: break
        case .queuedFirst: database.write { [self] writer in drain(writer) }
        case .refused(let failure): write.failed(failure)
        }
    }

    private static let stalled = LedgerFailure.unavailable("the database does not answer")

    /// Refuses those that have come to wait for a commit that takes too long.
    func refuseStalled() {
        let waiting = queue.withLock { queue -> [any PendingWrite] in
            guard queue.isStalled else { return [] }
            defer { queue.waiting = [] }
            return queue.waiting
        }
        for write in waiting { write.failed(Self.stalled) }
    }

    private func drain(_ writer: any SQLWriter) {
        while let batch = nextBatch() {
            commit(batch, by: writer, apart: !turns.isShared, mayRepeat: turns.isShared)
        }
    }

    private func nextBatch() -> [any PendingWrite]? {
        queue.withLock { queue in
            guard !queue.waiting.isEmpty else {
                queue.isDraining = false
                return nil
            }
            let batch = Array(queue.waiting.prefix(batchSize(of: queue.waiting)))
            queue.waiting.removeFirst(batch.count)
            queue.underWaySince = .now
            return batch
        }
    }

    private func batchSize(of waiting: [any PendingWrite]) -> Int {
        guard turns.isShared else { return min(waiting.count, Self.largestCommit) }
        let narrow = waiting.prefix(Self.largestCommit).prefix { !$0.reach.standsAlone }.count
        return max(1, narrow)
    }

    /// - Parameters:
    ///   - apart: whether each write can be taken back by itself.
    ///   - mayRepeat: whether it is tried once more if it was taken back for another gateway's sake.
    private func commit(_ batch: [any PendingWrite], by writer: any SQLWriter, apart: Bool, mayRepeat: Bool) {
        let began = ContinuousClock.now
        do {
            let outcome = try write(batch, by: writer, apart: apart)
            observer.tell(of: batch.count, isWritten: true, charging: outcome.draft.charges, since: began)
            outcome.draft.publish()
            queue.withLock { queue in
                queue.commits += 1
                queue.lastCommitAt = outcome.draft.now
                queue.lastFailure = nil
                queue.underWaySince = nil
            }
            for write in outcome.written { write.committed() }
            for (write, failure) in outcome.refused { write.failed(failure) }
        } catch is MustBeApart {
            commit(batch, by: writer, apart: true, mayRepeat: mayRepeat)
        } catch let failure as SQLFailure where !apart && [.late, .values].contains(failure.kind) {
            commit(batch, by: writer, apart: true, mayRepeat: mayRepeat)
        } catch let failure as SQLFailure where failure.kind == .late && batch.count > 1 {
            // One of them is refused, and nobody knows which.
            for write in batch { commit([write], by: writer, apart: true, mayRepeat: mayRepeat) }
        } catch let failure as SQLFailure where failure.kind == .undone && mayRepeat {
            commit(batch, by: writer, apart: apart, mayRepeat: false)
        } catch {
            observer.tell(of: batch.count, isWritten: false, since: began)
            let failure = LedgerStore.failure(error)
            let latecomers = queue.withLock { queue -> [any PendingWrite] in
                queue.failures += 1
                queue.lastFailure = failure
                queue.underWaySince = nil
                if (error as? SQLFailure)?.kind == .unknownOutcome { queue.lastUnknownOutcome = .now }
                // Whoever queued up while this waited for somebody's lock has waited for it too.
                guard LedgerStore.isLocked(error) else { return [] }
                defer { queue.waiting = [] }
                return queue.waiting
            }
            for write in batch + latecomers { write.failed(failure) }
        }
    }

    private typealias Outcome = (
        draft: Draft, written: [any PendingWrite], refused: [(any PendingWrite, LedgerFailure)]
    )

    /// One write failed that had changed something, and cannot be taken back without the others.
    private struct MustBeApart: Error {}

    private func write(_ batch: [any PendingWrite], by writer: any SQLWriter, apart: Bool) throws -> Outcome {
        let reach = batch.reduce(Reach.own) { $0.union($1.reach) }
        return try writer.transaction { transaction in
            let turn = try turns.begin(reach, in: transaction)
            var draft = Draft(
                database: transaction, books: books, turns: turns, turn: turn, wall: clock.wall())
            var written: [any PendingWrite] = []
            var refused: [(any PendingWrite, LedgerFailure)] = []
            for write in batch {
                let changesBefore = transaction.changesMade
                do {
                    if apart {
                        try transaction.part { try write.perform(in: &draft) }
                    } else {
                        try write.perform(in: &draft)
                    }
                    draft.keep()
                    written.append(write)
                } catch let failure as SQLFailure where !apart || failure.kind != .values {
                    throw failure
                } catch {
                    guard apart || transaction.changesMade == changesBefore else { throw MustBeApart() }
                    draft.discard()
                    refused.append((write, LedgerStore.failure(error)))
                }
            }
            try draft.writeShared()
            return (draft, written, refused)
        }
    }
}

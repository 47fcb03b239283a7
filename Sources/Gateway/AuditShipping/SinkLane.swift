import Ledger
import Logging
import Synchronization

/// One sink's way through the audit log, apart from all others: reads the ledger, delivers, remembers how far it got.
final class SinkLane: Sendable {
    private struct State {
        var position = AuditPosition.start
        var isUp = true
        var lastFailure: String?
        var failures = 0
        /// No more waiting: what is there is shipped, and then it is over.
        var isEnding = false
    }

    private let sink: any AuditSink
    private let ledger: Ledger
    private let logger: Logger
    private let state = Mutex(State())
    private let wakes: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation

    private static let recordsAtOnce = 500
    /// Each noting of the position is a commit.
    private static let notingPace = Duration.seconds(1)
    private static let warningPace = Duration.seconds(60)
    private static let longestWait = Duration.seconds(60)

    init(sink: any AuditSink, ledger: Ledger, logger: Logger) {
        self.sink = sink
        self.ledger = ledger
        var logger = logger
        logger[metadataKey: "sink"] = "\(sink.kind)"
        logger[metadataKey: "destination"] = "\(sink.destination)"
        self.logger = logger
        (wakes, waker) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// How it is doing.
    var standing: SinkStanding {
        let (state, end) = (state.withLock(\.self), ledger.auditEnd)
        return SinkStanding(
            kind: sink.kind, destination: sink.destination, isUp: state.isUp, position: state.position,
            behind: max(0, end - state.position.sequence), failures: state.failures,
            lastFailure: state.lastFailure
        )
    }

    /// There may be something to do.
    func wake() { waker.yield() }

    /// Lets it come to an end: it ships what is there, unless the sink fails.
    func end() {
        state.withLock { $0.isEnding = true }
        wake()
    }

    /// Ships until it was let come to an end, or is cancelled.
    func run() async {
        var progress = Progress()
        var wake = wakes.makeAsyncIterator()
        while !Task.isCancelled {
            let isEnding = state.withLock(\.isEnding)
            if isEnding || ContinuousClock.now >= progress.retryAt {
                do {
                    while !Task.isCancelled, try await shipOn(&progress) {}
                } catch {
                    guard error != .cancelled else { break }
                    failed(error, &progress)
                }
            }
            await noteIfDue(&progress)
            // Whoever asks for the end wakes it, so none is missed in between.
            guard !isEnding else { break }
            guard await wake.next() != nil else { break }
        }
        // In a task of its own, since a commit by one that was cancelled would not be waited for.
        await Task { [progress] in _ = await self.note(progress) }.value
    }

    /// What only the task that ships knows.
    private struct Progress {
        /// Up to where the sink has taken it; nil until it is known where to go on.
        var position: AuditPosition?
        /// What of it stands in the ledger.
        var noted: AuditPosition?
        var notedAt: ContinuousClock.Instant?
        var failures = 0
        var retryAt = ContinuousClock.now
        var warnedAt: ContinuousClock.Instant?
        /// Whether a warning was given of the outage that lasts.
        var isTold = false
        /// The last record of which it was told that it was removed too early.
        var missed: Int64 = 0
    }

    /// Ships one batch.
    ///
    /// - Returns: whether there may be more.
    private func shipOn(_ progress: inout Progress) async throws(SinkFailure) -> Bool {
        guard ledger.isElected else {
            // Whoever ships in its place notes how far that got.
            progress.position = nil
            return false
        }
        guard let position = try await whereToGoOn(&progress) else { return false }
        // In vain only while the ledger is down, which others tell.
        guard let batch = try? await ledger.auditLines(after: position, limit: Self.recordsAtOnce) else { return false }
        // Once, however often the batch behind them is tried.
        if let missed = batch.missed, position != .start, missed.upperBound > progress.missed {
            progress.missed = missed.upperBound
            logger.warning(
                "audit records were removed before the sink took them",
                metadata: ["first": "\(missed.lowerBound)", "last": "\(missed.upperBound)"])
        }
        var rest = batch.lines[...]
        while !rest.isEmpty {
            let taken = try await sink.deliver(rest)
            for line in rest.prefix(taken) { progress.position?.pass(line) }
            rest = rest.dropFirst(taken)
            delivered(&progress)
            await noteIfDue(&progress)
        }
        progress.position = batch.end
        return !batch.isAtEnd
    }

    private func whereToGoOn(_ progress: inout Progress) async throws(SinkFailure) -> AuditPosition? {
        if let position = progress.position { return position }
        let stored: AuditPosition?
        do {
            stored = try await ledger.sinkPosition(of: sink.name)
        } catch {
            return nil
        }
        let position = try await sink.position(after: stored ?? .start, in: ledger)
        progress.noted = stored ?? .start
        progress.position = position
        state.withLock { $0.position = position }
        return position
    }

    private func delivered(_ progress: inout Progress) {
        let position = progress.position
        state.withLock { state in
            if let position { state.position = position }
            state.isUp = true
        }
        guard progress.failures > 0 else { return }
        progress.failures = 0
        // Of a short outage after one that was told of, nothing was said.
        guard progress.isTold else { return }
        progress.isTold = false
        logger.info("the audit sink takes records again", metadata: ["behind": "\(standing.behind)"])
    }

    private func failed(_ failure: SinkFailure, _ progress: inout Progress) {
        var generator = SystemRandomNumberGenerator()
        let now = ContinuousClock.now
        let wait = Backoff.wait(
            afterAttempts: progress.failures, retryAfter: failure.retryAfter, atMost: Self.longestWait,
            using: &generator)
        progress.failures += 1
        progress.retryAt = now + wait
        state.withLock { state in
            state.isUp = false
            state.lastFailure = failure.reason
            state.failures += 1
        }
        if let warnedAt = progress.warnedAt, now - warnedAt < Self.warningPace { return }
        progress.warnedAt = now
        progress.isTold = true
        logger.warning(
            "the audit sink does not take records",
            metadata: [
                "reason": "\(failure.reason)", "attempt": "\(progress.failures)", "behind": "\(standing.behind)",
                "retry_in_ms": "\(wait.wholeMilliseconds)",
            ])
    }

    private func noteIfDue(_ progress: inout Progress) async {
        let now = ContinuousClock.now
        if let notedAt = progress.notedAt, now - notedAt < Self.notingPace { return }
        if await note(progress) {
            progress.noted = progress.position
            progress.notedAt = now
        }
    }

    /// Writes the position to the ledger, if it is another one.
    private func note(_ progress: Progress) async -> Bool {
        guard let position = progress.position, position != progress.noted else { return false }
        // In vain only while the ledger is down; then the sink may get some lines once more after the next start.
        return (try? await ledger.sinkDelivered(sink.name, upTo: position)) != nil
    }
}

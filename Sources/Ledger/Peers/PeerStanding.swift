import Synchronization

/// How a gateway stands among those that share its ledger: under which number, whether the others hear of it, and how fresh is
/// what it knows of them.
final class PeerStanding: Sendable {
    private struct State {
        var epoch: Int64
        /// When the last commit began that showed life.
        var shownAt: ContinuousClock.Instant
        /// When the last snapshot was asked for that everything in memory is as new as.
        var seenAt: ContinuousClock.Instant
        /// How many others have shown life of late.
        var others = 0
        var isCutOff = false
        var hasLeft = false
    }

    private let timing: PeerTiming
    private let state: Mutex<State>

    init(epoch: Int64, timing: PeerTiming) {
        self.timing = timing
        let now = ContinuousClock.now
        state = Mutex(State(epoch: epoch, shownAt: now, seenAt: now))
    }

    var epoch: Int64 { state.withLock(\.epoch) }
    var hasLeft: Bool { state.withLock(\.hasLeft) }

    /// So many others have shown life of late.
    func othersLive(_ count: Int) { state.withLock { $0.others = count } }

    /// All of it, for whoever watches.
    func report(at now: ContinuousClock.Instant = .now) -> PeerReport {
        state.withLock { PeerReport(epoch: $0.epoch, living: $0.others + 1, sightAge: now - $0.seenAt) }
    }

    /// It goes on under another number.
    func replaced(by epoch: Int64) { state.withLock { $0.epoch = epoch } }

    func left() { state.withLock { $0.hasLeft = true } }

    func shown(at instant: ContinuousClock.Instant) {
        state.withLock { state in
            state.shownAt = max(state.shownAt, instant)
            state.isCutOff = false
        }
    }

    func seen(at instant: ContinuousClock.Instant) { state.withLock { $0.seenAt = max($0.seenAt, instant) } }

    /// Whether it has been unable to show life for too long; true once each time.
    func isCutOff(at now: ContinuousClock.Instant = .now) -> Bool {
        state.withLock { state in
            guard !state.isCutOff, now - state.shownAt >= timing.cutOff else { return false }
            state.isCutOff = true
            return true
        }
    }

    /// How long until others might take it for dead at the earliest, with time to spare.
    func livesFor(at now: ContinuousClock.Instant = .now) -> Duration {
        state.withLock { $0.shownAt + timing.cutOff - now }
    }

    /// Throws ``LedgerFailure/unavailable(_:)`` if what is in memory is too old to be believed.
    func checkSight(at now: ContinuousClock.Instant = .now) throws(LedgerFailure) {
        guard state.withLock({ now - $0.seenAt < timing.sight }) else {
            throw .unavailable("the database has not been reached for \(timing.sight)")
        }
    }
}

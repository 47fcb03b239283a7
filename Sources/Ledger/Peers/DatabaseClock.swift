import Quota
import Synchronization

/// The clock of a database that several gateways share, as this gateway knows it: by its last reading, and the monotonic time
/// since. So gateways whose own clocks differ agree on when a key expires and a sandbox's time is over.
final class DatabaseClock: Sendable {
    private struct Reading {
        let value: Moment
        /// Between these two the database's clock was read.
        let asked: ContinuousClock.Instant
        let answered: ContinuousClock.Instant
    }

    private let reading: Mutex<Reading>

    /// By this machine's clock, as long as nothing was read.
    init() {
        let now = ContinuousClock.now
        reading = Mutex(Reading(value: LedgerClock.realtime(), asked: now, answered: now))
    }

    /// Takes up a reading.
    func read(_ value: Moment, askedAt asked: ContinuousClock.Instant) {
        reading.withLock { $0 = Reading(value: value, asked: asked, answered: .now) }
    }

    /// Not later than it is there.
    func earliest() -> Moment { reading.withLock { $0.value + $0.answered.duration(to: .now) } }

    /// Not earlier than it is there.
    func latest() -> Moment { reading.withLock { $0.value + $0.asked.duration(to: .now) } }
}

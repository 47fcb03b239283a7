import Quota
import Synchronization

/// A clock that stands still until it is told to go on.
final class ManualClock: Sendable {
    private let now = Mutex(Moment(seconds: 1_000))

    var reading: @Sendable () -> Moment { { self.now.withLock(\.self) } }

    func advance(by duration: Duration) { now.withLock { $0 = $0 + duration } }
}

import Glibc
import Quota
import Synchronization

/// The ledger's instants: they never go back, neither within a process nor from one to the next.
///
/// The wall clock is read once, at the start; from then on time advances by the monotonic clock, so that a jump of the
/// wall clock neither refills a rate nor opens a new day.
final class LedgerClock: Sendable {
    private struct State {
        var last: Moment
        /// Added to every reading; more than zero when the clock was found behind what the ledger had seen.
        var ahead: Duration = .zero
    }

    private let source: @Sendable () -> Moment
    /// The wall clock as it is set now. Credentials live by it: their times were written by other machines' clocks.
    let wall: @Sendable () -> Moment
    private let state: Mutex<State>

    /// - Parameters:
    ///   - source: in place of both clocks.
    ///   - wall: in place of the wall clock alone.
    init(source: (@Sendable () -> Moment)?, wall: (@Sendable () -> Moment)?) {
        self.source = source ?? Self.system()
        self.wall = wall ?? source ?? Self.realtime
        state = Mutex(State(last: self.source()))
    }

    /// The present instant, never before one that was given out.
    func now() -> Moment {
        let reading = source()
        return state.withLock { state in
            state.last = max(state.last, reading + state.ahead)
            return state.last
        }
    }

    /// Moves the clock so that it goes on from `floor` if it is behind it.
    ///
    /// - Returns: by how much it was behind.
    func advance(to floor: Moment) -> Duration {
        let reading = source()
        return state.withLock { state in
            let behind = max(.zero, floor - reading)
            state.ahead = behind
            state.last = max(state.last, floor)
            return behind
        }
    }

    /// Wall clock at the first call, monotonic time since (time asleep included).
    private static func system() -> @Sendable () -> Moment {
        let start = realtime()
        let origin = ContinuousClock.now
        return { start + origin.duration(to: .now) }
    }

    @Sendable static func realtime() -> Moment {
        var wall = timespec()
        clock_gettime(CLOCK_REALTIME, &wall)
        return Moment(seconds: Int64(wall.tv_sec)) + .nanoseconds(Int64(wall.tv_nsec))
    }
}

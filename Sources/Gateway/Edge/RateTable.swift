import Quota
import Synchronization

/// One rate for each of many names, in memory. Bounded: whoever has been quiet long enough is forgotten, which changes
/// nothing for them.
final class RateTable: Sendable {
    static let maximumNames = 10_000

    private let rate: Rate
    private let states = Mutex([String: RateState]())
    private let now: @Sendable () -> Moment

    /// - Parameter now: any clock that only goes forward.
    init(_ rate: Rate, now: @escaping @Sendable () -> Moment = Moment.uptime) {
        self.rate = rate
        self.now = now
    }

    /// How many names are remembered.
    var count: Int { states.withLock(\.count) }

    /// Takes one permit of a name's.
    func take(_ name: String) throws(Denial) {
        let now = now()
        try states.withLock { states throws(Denial) in
            if states.count >= Self.maximumNames, states[name] == nil { Self.makeRoom(in: &states, at: now) }
            try states[name, default: RateState()].take(under: rate, at: now)
        }
    }

    /// Forgets who has recovered; if nearly all are still busy, everybody.
    private static func makeRoom(in states: inout [String: RateState], at now: Moment) {
        states = states.filter { ($0.value.nextFree ?? now) > now }
        if states.count > maximumNames / 10 * 9 { states.removeAll(keepingCapacity: true) }
    }
}

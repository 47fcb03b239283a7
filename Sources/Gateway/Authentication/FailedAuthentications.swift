import Quota
import Synchronization

/// Slows down whoever guesses: refusals for lack of a valid credential are limited per source address.
///
/// A valid credential always passes, whatever others at the same address do, and a flood from one address touches no
/// tenant. What is remembered is bounded: addresses that have been quiet long enough are forgotten first.
final class FailedAuthentications: Sendable {
    static let rate = Rate(permits: 60, periodSeconds: 60, burst: 60)
    static let maximumAddresses = 10_000

    private let addresses = Mutex([String: RateState]())
    private let now: @Sendable () -> Moment

    /// - Parameter now: any clock that only goes forward.
    init(now: @escaping @Sendable () -> Moment = uptime) {
        self.now = now
    }

    private static let started = ContinuousClock.now

    @Sendable private static func uptime() -> Moment { Moment(nanoseconds: 0) + (ContinuousClock.now - started) }

    /// How many addresses are remembered.
    var count: Int { addresses.withLock(\.count) }

    /// Runs an authentication; its refusal counts against the address, and once the limit is met becomes 429.
    func watching<Value>(_ address: String, _ authenticate: () throws(Problem) -> Value) throws(Problem) -> Value {
        do {
            return try authenticate()
        } catch {
            guard error.type.status == 401 else { throw error }
            do {
                try note(address)
            } catch let denial {
                var problem = Problem(denial)
                problem.detail = "Too many requests without a valid credential from this address."
                throw problem
            }
            throw error
        }
    }

    /// Forgets who has recovered; if nearly everybody is still guilty, everybody, which costs an attacker with that
    /// many addresses nothing it could not have anyway.
    private static func makeRoom(in addresses: inout [String: RateState], at now: Moment) {
        addresses = addresses.filter { ($0.value.nextFree ?? now) > now }
        if addresses.count > maximumAddresses / 10 * 9 { addresses.removeAll(keepingCapacity: true) }
    }

    private func note(_ address: String) throws(Denial) {
        let now = now()
        try addresses.withLock { addresses throws(Denial) in
            if addresses.count >= Self.maximumAddresses { Self.makeRoom(in: &addresses, at: now) }
            try addresses[address, default: RateState()].take(under: Self.rate, at: now)
        }
    }
}

import Auth
import Quota

/// Slows down whoever guesses or replays: refusals for lack of a valid credential are limited per source address.
///
/// A valid credential always passes, whatever others at the same address do, and a flood from one address touches no
/// tenant.
struct FailedAuthentications: Sendable {
    static let rate = Rate(permits: 60, periodSeconds: 60, burst: 60)

    private let addresses: RateTable

    init(_ addresses: RateTable = RateTable(rate)) {
        self.addresses = addresses
    }

    /// Runs an authentication; its refusal counts against the address, and once the limit is met becomes 429.
    func watching<Value>(
        _ address: String, _ authenticate: () async throws(Problem) -> Value
    ) async throws(Problem) -> Value {
        do {
            return try await authenticate()
        } catch {
            throw judged(error, from: address)
        }
    }

    /// What to answer instead of a refusal: itself, or that there were too many from this address.
    func judged(_ refusal: Problem, from address: String) -> Problem {
        guard [401, 403].contains(refusal.type.status) else { return refusal }
        do {
            try addresses.take(Self.network(of: address))
            return refusal
        } catch {
            var problem = Problem(error)
            problem.detail = "Too many requests without a valid credential from this address."
            return problem
        }
    }

    /// Whoever has an IPv6 address has all of its /64.
    static func network(of address: String) -> String {
        IPAddress(address)?.prefix64 ?? address
    }
}

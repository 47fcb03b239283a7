import Testing

@testable import Ledger

@Suite(.onAServer) struct BackoffTests {
    @Test("Attempts are apart by 50 ms, twice as much each time, at most 2 s, with half of it left to chance")
    func grows() {
        let now = ContinuousClock.now
        for (chance, share) in [(1.0, 1.0), (0.0, 0.5)] {
            var backoff = Backoff()
            for wait in [50, 100, 200, 400, 800, 1_600, 2_000, 2_000] {
                backoff.failed(at: now, chance: chance)
                let next = now + .milliseconds(wait) * share
                #expect(!backoff.allows(at: next - .nanoseconds(1)) && backoff.allows(at: next))
            }
        }
    }

    @Test("A success begins anew")
    func anew() {
        let now = ContinuousClock.now
        var backoff = Backoff()
        for _ in 0..<5 { backoff.failed(at: now, chance: 1) }
        backoff.succeeded()
        #expect(backoff.allows(at: now))
        backoff.failed(at: now, chance: 1)
        #expect(backoff.allows(at: now + .milliseconds(50)))
    }
}

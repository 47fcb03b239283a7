import Quota
import TestSupport
import Testing

struct RateStateTests {
    private let start = Moment(milliseconds: 1_800_000_000_000)

    private func randomRate(_ generator: inout SeededGenerator) -> Rate {
        Rate(
            permits: .random(in: 1...1_000, using: &generator),
            periodSeconds: [1, 7, 60, 3_600].randomElement(using: &generator) ?? 1,
            burst: .random(in: 1...50, using: &generator)
        )
    }

    /// The wait a refusal names, or nil when the call is admitted.
    private func wait(_ state: RateState, _ rate: Rate, at now: Moment) -> Duration? {
        var copy = state
        do throws(Denial) {
            try copy.take(under: rate, at: now)
            return nil
        } catch {
            guard case .rate(rate, let retryAfter) = error else { return .zero }
            return retryAfter
        }
    }

    @Test("A full burst at once, and not one more")
    func burst() throws {
        let rate = Rate(permits: 10, periodSeconds: 1, burst: 20)
        var state = RateState()
        for _ in 0..<20 { try state.take(under: rate, at: start) }
        #expect(wait(state, rate, at: start) == .milliseconds(100))
    }

    @Test("A refusal's wait is exact: refused a nanosecond before, admitted at it", arguments: 0..<20)
    func exactWait(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let rate = randomRate(&generator)
        var state = RateState()
        var now = start
        for _ in 0..<500 {
            if let wait = wait(state, rate, at: now) {
                #expect(wait > .zero)
                #expect(self.wait(state, rate, at: now + wait - .nanoseconds(1)) == .nanoseconds(1))
                #expect(self.wait(state, rate, at: now + wait) == nil)
            } else {
                try? state.take(under: rate, at: now)
            }
            now = now + .milliseconds(Int64.random(in: 0...(Int64(rate.periodSeconds) * 200), using: &generator))
        }
    }

    @Test("No stretch of time ever sees more than burst plus rate", arguments: 0..<10)
    func neverMore(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let rate = randomRate(&generator)
        var state = RateState()
        var now = start
        var admitted: [Moment] = []
        for _ in 0..<2_000 {
            if (try? state.take(under: rate, at: now)) != nil { admitted.append(now) }
            now = now + .nanoseconds(Int64.random(in: 0...2_000_000_000, using: &generator) / Int64(rate.permits))
        }
        for (first, opening) in admitted.enumerated() {
            for last in [first, first + rate.burst, first + 2 * rate.burst, admitted.count - 1]
            where last < admitted.count {
                let seconds = (admitted[last] - opening) / Duration.seconds(rate.periodSeconds)
                #expect(Double(last - first + 1) <= Double(rate.burst) + seconds * Double(rate.permits) + 1e-6)
            }
        }
    }

    @Test("A rate that does not divide a second evenly is rounded against the caller", arguments: [3, 7, 11, 13])
    func roundedUp(permits: Int) {
        let rate = Rate(permits: permits, periodSeconds: 1, burst: 1)
        var state = RateState()
        var now = start
        var admitted = 0
        while now < start + .seconds(1) {
            if let wait = wait(state, rate, at: now) {
                now = now + wait
            } else {
                try? state.take(under: rate, at: now)
                admitted += 1
            }
        }
        #expect(admitted == permits)
    }

    @Test("What remains is what can be taken, and it is full when it says")
    func remaining() throws {
        var generator = SeededGenerator(seed: 9)
        for _ in 0..<200 {
            let rate = randomRate(&generator)
            var state = RateState()
            for _ in 0..<Int.random(in: 0...rate.burst, using: &generator) { try state.take(under: rate, at: start) }
            let now = start + .milliseconds(Int64.random(in: 0...5_000, using: &generator))
            let standing = state.remaining(under: rate, at: now)
            let (permits, fullIn) = (standing.remaining, standing.fullIn)
            #expect(state.remaining(under: rate, at: now + fullIn).remaining == rate.burst)
            var copy = state
            for _ in 0..<permits { try copy.take(under: rate, at: now) }
            #expect(wait(copy, rate, at: now) != nil)
        }
    }

    @Test("A refusal costs nothing")
    func refusalIsFree() throws {
        let rate = Rate(permits: 1, periodSeconds: 60, burst: 1)
        var state = RateState()
        try state.take(under: rate, at: start)
        let before = state
        #expect(throws: Denial.self) { try state.take(under: rate, at: start + .seconds(1)) }
        #expect(state == before)
    }

    @Test("Raising the rate forgives the debt of the slower one")
    func raisedRate() throws {
        let slow = Rate(permits: 1, periodSeconds: 3_600, burst: 1)
        let fast = Rate(permits: 10, periodSeconds: 1, burst: 1)
        var state = RateState()
        try state.take(under: slow, at: start)
        #expect(wait(state, slow, at: start) == .seconds(3_600))
        #expect(wait(state, fast, at: start) == .milliseconds(100))
    }

    @Test("A clock that stands still or goes back admits no more than the burst")
    func clockGoesBack() throws {
        let rate = Rate(permits: 10, periodSeconds: 1, burst: 2)
        var state = RateState()
        try state.take(under: rate, at: start)
        try state.take(under: rate, at: start)
        #expect(wait(state, rate, at: start - .seconds(3_600)) != nil)
    }
}

import TestSupport
import Testing

@testable import E2BUpstream

/// The breaker by itself: every state and what each fact makes of it, then random histories.
@Suite
struct CircuitBreakerTests {
    private let start = ContinuousClock.now

    private func permit(_ breaker: inout CircuitBreaker, at now: ContinuousClock.Instant) throws
        -> CircuitBreaker.Permit
    {
        guard case .go(let permit) = breaker.callWanted(at: now) else { throw Held() }
        return permit
    }

    private struct Held: Error {}

    /// Opened by as many failures as it takes.
    private func opened() throws -> CircuitBreaker {
        var breaker = CircuitBreaker()
        for _ in 0..<CircuitBreaker.tolerated {
            let permit = try permit(&breaker, at: start)
            breaker.callEnded(.failed, of: permit, at: start)
        }
        return breaker
    }

    @Test func `some failures in a row open it, and not one fewer`() throws {
        var breaker = CircuitBreaker()
        for number in 1...CircuitBreaker.tolerated {
            #expect(breaker.state == .closed(failuresInARow: number - 1))
            breaker.callEnded(.failed, of: try permit(&breaker, at: start), at: start)
        }
        #expect(breaker.state == .open(until: start + CircuitBreaker.firstPause, pause: CircuitBreaker.firstPause))
    }

    @Test func `an answer in between starts the count anew`() throws {
        var breaker = CircuitBreaker()
        for _ in 1..<CircuitBreaker.tolerated {
            breaker.callEnded(.failed, of: try permit(&breaker, at: start), at: start)
        }
        breaker.callEnded(.answered, of: try permit(&breaker, at: start), at: start)
        #expect(breaker.state == .closed(failuresInARow: 0))
    }

    @Test func `a call that was given up says nothing`() throws {
        var breaker = CircuitBreaker()
        breaker.callEnded(.failed, of: try permit(&breaker, at: start), at: start)
        breaker.callEnded(.unclear, of: try permit(&breaker, at: start), at: start)
        #expect(breaker.state == .closed(failuresInARow: 1))
    }

    @Test func `open, it says how long, and lets one call find out when that is over`() throws {
        var breaker = try opened()
        let end = start + CircuitBreaker.firstPause
        guard case .wait(let wait) = breaker.callWanted(at: end - .nanoseconds(1)) else { throw Held() }
        #expect(wait == .nanoseconds(1))
        #expect(breaker.wait(at: end) == .zero)
        _ = try permit(&breaker, at: end)
        #expect(throws: Held.self) { try permit(&breaker, at: end) }
    }

    @Test func `the call that finds out closes it, or opens it for twice as long`() throws {
        var breaker = try opened()
        var now = start, pause = CircuitBreaker.firstPause
        for _ in 0..<6 {
            now += pause
            breaker.callEnded(.failed, of: try permit(&breaker, at: now), at: now)
            pause = min(pause * 2, CircuitBreaker.longestPause)
            #expect(breaker.state == .open(until: now + pause, pause: pause))
        }
        now += pause
        breaker.callEnded(.answered, of: try permit(&breaker, at: now), at: now)
        #expect(breaker.state == .closed(failuresInARow: 0))
    }

    @Test func `where the call that finds out is given up, the next one does so`() throws {
        var breaker = try opened()
        let now = start + CircuitBreaker.firstPause
        breaker.callEnded(.unclear, of: try permit(&breaker, at: now), at: now)
        _ = try permit(&breaker, at: now)
    }

    @Test func `what was begun before it opened tells nothing afterwards`() throws {
        var breaker = CircuitBreaker()
        let late = try permit(&breaker, at: start)
        for _ in 0..<CircuitBreaker.tolerated {
            breaker.callEnded(.failed, of: try permit(&breaker, at: start), at: start)
        }
        let opened = breaker.state
        breaker.callEnded(.answered, of: late, at: start)
        #expect(breaker.state == opened)
        let now = start + CircuitBreaker.firstPause
        _ = try permit(&breaker, at: now)
        breaker.callEnded(.failed, of: late, at: now)
        #expect(breaker.state == .halfOpen(pause: CircuitBreaker.firstPause))
    }

    @Test(arguments: 0..<50)
    func `in any history it never holds calls back for longer than its longest pause`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var breaker = CircuitBreaker(), now = start
        var open: [CircuitBreaker.Permit] = []
        for _ in 0..<500 {
            now += .milliseconds(Int.random(in: 0...3_000, using: &random))
            if Bool.random(using: &random) {
                switch breaker.callWanted(at: now) {
                case .go(let permit): open.append(permit)
                case .wait(let wait): #expect(wait > .zero && wait <= CircuitBreaker.longestPause)
                }
            } else if let index = open.indices.randomElement(using: &random) {
                let outcome: CircuitBreaker.Outcome = [.answered, .failed, .failed, .unclear].randomElement(
                    using: &random)!
                breaker.callEnded(outcome, of: open.remove(at: index), at: now)
            }
        }
        // Whatever was under way ends, and upstream is well again: one pause later all is.
        for permit in open { breaker.callEnded(.answered, of: permit, at: now) }
        now += CircuitBreaker.longestPause
        breaker.callEnded(.answered, of: try permit(&breaker, at: now), at: now)
        #expect(breaker.state == .closed(failuresInARow: 0))
    }
}

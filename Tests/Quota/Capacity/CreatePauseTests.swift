import Quota
import Testing

/// What happens after upstream has said that it has no room.
struct CreatePauseTests {
    private let start = Moment(seconds: 1_000)
    private var capacity = UpstreamCapacity(limits: CapacityLimits(patience: .seconds(30)))

    private mutating func ask(_ times: Int = 1, at now: Moment? = nil) -> [CapacityTicket] {
        (0..<times).map { _ in capacity.callAsked(of: "a", at: now ?? start).0 }
    }

    @Test("Nothing goes for as long as upstream asked, by default a second", arguments: [nil, 7])
    mutating func waits(seconds: Int?) {
        let refused = ask()
        let retryAfter = seconds.map { Duration.seconds($0) }
        capacity.upstreamWasFull(for: refused[0], retryAfter: retryAfter, at: start)
        #expect(capacity.slotReleased(refused[0], at: start).isEmpty)
        let waiting = ask(2)
        let end = start + (retryAfter ?? .seconds(1))
        #expect(capacity.timePassed(at: end - .nanoseconds(1)) == [.lookAgain(at: end)])
        #expect(capacity.timePassed(at: end) == [.go(waiting[0]), .lookAgain(at: end + .seconds(1))])
    }

    @Test("Then one a second, until upstream has taken some: faster and faster, and at last as they come")
    mutating func comesBack() {
        let refused = ask()
        capacity.upstreamWasFull(for: refused[0], retryAfter: nil, at: start)
        _ = capacity.slotReleased(refused[0], at: start)
        _ = ask(100)
        var now = start, going: [CapacityTicket] = [], instants: [Moment] = []
        while capacity.waiting > 0, instants.count < 20 {
            now = now + .milliseconds(1)
            let actions = going.flatMap { capacity.upstreamWasNotFull(for: $0, at: now) } + capacity.timePassed(at: now)
            going = actions.going
            if !going.isEmpty { instants.append(now) }
        }
        let gaps = zip(instants, instants.dropFirst()).map { $1 - $0 }
        #expect(gaps.first == .milliseconds(500))
        #expect(zip(gaps, gaps.dropFirst()).allSatisfy { $1 < $0 })
        #expect(instants.count == 8 && capacity.waiting == 0, "the eighth took everybody along")
    }

    @Test("A refusal in between starts the pause anew")
    mutating func refusedAgain() {
        let refused = ask()
        capacity.upstreamWasFull(for: refused[0], retryAfter: .seconds(2), at: start)
        _ = capacity.slotReleased(refused[0], at: start)
        let waiting = ask(3)
        let later = start + .seconds(2)
        #expect(capacity.timePassed(at: later).going == [waiting[0]])
        capacity.upstreamWasFull(for: waiting[0], retryAfter: .seconds(5), at: later)
        #expect(capacity.slotReleased(waiting[0], at: later).going.isEmpty)
        #expect(capacity.timePassed(at: later + .milliseconds(4_999)).going.isEmpty)
        #expect(capacity.timePassed(at: later + .seconds(5)).going == [waiting[1]])
    }

    @Test("A create that was under way before the refusal proves nothing by succeeding after it")
    mutating func earlierCreates() {
        let tickets = ask(2)
        capacity.upstreamWasFull(for: tickets[1], retryAfter: .seconds(2), at: start)
        #expect(capacity.upstreamWasNotFull(for: tickets[0], at: start).isEmpty)
        let waiting = ask(2)
        #expect(capacity.waiting == 2)
        #expect(capacity.timePassed(at: start + .seconds(2)).going == [waiting[0]])
        #expect(capacity.timePassed(at: start + .milliseconds(2_999)).going.isEmpty)
    }

    @Test("A call that could not go before its deadline is told so at once, and for how long")
    mutating func longPause() {
        let refused = ask()
        capacity.upstreamWasFull(for: refused[0], retryAfter: .seconds(40), at: start)
        let (ticket, actions) = capacity.callAsked(of: "b", at: start)
        #expect(actions == [.refuse(ticket, .paused(retryAfter: .seconds(40)))])
        let (_, later) = capacity.callAsked(of: "b", at: start + .seconds(11))
        #expect(later.refused.isEmpty)
    }

    @Test("Upstream may ask for a day; after a minute it is asked again")
    mutating func longestPause() {
        let refused = ask()
        capacity.upstreamWasFull(for: refused[0], retryAfter: .seconds(86_400), at: start)
        #expect(capacity.callAsked(of: "b", at: start + .seconds(60)).1.going.count == 1)
    }
}

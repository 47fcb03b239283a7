import Quota
import Testing

/// One thing at a time; ``UpstreamCapacityPropertyTests`` mixes them.
struct UpstreamCapacityTests {
    private let start = Moment(seconds: 1_000)

    private func capacity(
        _ sandboxes: Int? = nil, creates: Rate? = nil, queue: Int = 1_000, patience: Duration = .seconds(10)
    ) -> UpstreamCapacity {
        UpstreamCapacity(
            limits: CapacityLimits(sandboxes: sandboxes, creates: creates, queueLength: queue, patience: patience))
    }

    /// Asks as often as said and returns the tickets, whatever becomes of them.
    private func ask(
        _ capacity: inout UpstreamCapacity, _ tenant: String, _ times: Int = 1, at now: Moment? = nil
    ) -> [CapacityTicket] {
        (0..<times).map { _ in capacity.callAsked(of: tenant, at: now ?? start).0 }
    }

    @Test("Without limits everybody goes at once")
    func unlimited() {
        var capacity = capacity()
        for _ in 0..<100 {
            let (ticket, actions) = capacity.callAsked(of: "a", at: start)
            #expect(actions == [.go(ticket)])
        }
        #expect(capacity.held == 100)
    }

    @Test("Who comes first goes first, one for each slot that is released")
    func firstComeFirstServed() {
        var capacity = capacity(2)
        let tickets = ask(&capacity, "a", 5)
        #expect((capacity.held, capacity.waiting) == (2, 3))
        #expect(capacity.slotReleased(tickets[1], at: start).going == [tickets[2]])
        #expect(capacity.slotReleased(tickets[1], at: start).isEmpty, "released once already")
        #expect(capacity.slotReleased(tickets[0], at: start).going == [tickets[3]])
        #expect(capacity.held == 2)
    }

    @Test("500 waiting calls of one tenant: the first slot that is released is another's", arguments: [1, 4, 100])
    func aCrowd(sandboxes: Int) {
        var capacity = capacity(sandboxes)
        let crowd = ask(&capacity, "crowd", sandboxes + 500)
        #expect(capacity.waiting == 500)
        let first = ask(&capacity, "other")
        #expect(capacity.slotReleased(crowd[0], at: start).going == first)
        // One at a time it alternates, however short its calls are.
        for turn in 0..<10 {
            let last = turn == 0 ? first[0] : ask(&capacity, "other")[0]
            if turn > 0 { #expect(capacity.slotReleased(crowd[turn], at: start).going == [last]) }
            #expect(capacity.slotReleased(last, at: start).going == [crowd[sandboxes + turn]])
        }
    }

    @Test("Tenants with as many waiting end up with as many slots")
    func equalShares() {
        var capacity = capacity(12)
        var held = ask(&capacity, "a", 100)
        _ = ask(&capacity, "b", 100)
        _ = ask(&capacity, "c", 100)
        held = Array(held.prefix(12))
        for _ in 0..<60 { held += capacity.slotReleased(held.removeFirst(), at: start).going }
        #expect(Dictionary(grouping: held, by: \.tenant).mapValues(\.count) == ["a": 4, "b": 4, "c": 4])
    }

    // MARK: Guarantees

    @Test("A guarantee is there at once, whoever waits; what is borrowable is not more than the rest")
    func guarantee() {
        var capacity = capacity(10)
        #expect(capacity.guaranteesChanged(to: ["vip": 3], at: start).isEmpty)
        _ = ask(&capacity, "crowd", 50)
        #expect(capacity.held == 7)
        for _ in 0..<3 {
            let (ticket, actions) = capacity.callAsked(of: "vip", at: start)
            #expect(actions.going == [ticket])
        }
        let fourth = ask(&capacity, "vip")
        #expect((capacity.held, capacity.waiting) == (10, 44))
        #expect(capacity.waiting == 44 && fourth.count == 1, "beyond its guarantee it waits like others")
    }

    @Test("A raised guarantee gets the next slots; a lowered one is lent out at once")
    func changedGuarantee() {
        var capacity = capacity(4)
        let crowd = ask(&capacity, "crowd", 20)
        let vip = ask(&capacity, "vip", 3)
        #expect(capacity.guaranteesChanged(to: ["vip": 2], at: start).going.isEmpty)
        for index in 0..<2 { #expect(capacity.slotReleased(crowd[index], at: start).going == [vip[index]]) }
        #expect(capacity.slotReleased(vip[0], at: start).going == [vip[2]])
        #expect(capacity.slotReleased(vip[2], at: start).going.isEmpty, "kept for the guarantee")
        #expect(capacity.guaranteesChanged(to: [:], at: start).going == [crowd[4]])
    }

    @Test("Guarantees that do not fit are lowered in proportion, rounded down")
    func overcommitted() {
        var capacity = capacity(10)
        _ = capacity.guaranteesChanged(to: ["a": 12, "b": 12, "c": 1], at: start)
        // 12 · 10 / 25 = 4 each, c none: 2 are borrowable.
        _ = ask(&capacity, "crowd", 5)
        #expect(capacity.held == 2)
        _ = ask(&capacity, "a", 5)
        _ = ask(&capacity, "b", 5)
        _ = ask(&capacity, "c")
        #expect((capacity.held, capacity.waiting) == (10, 6))
    }

    @Test("A guarantee of sandboxes does not starve others of creates")
    func guaranteeAndCreates() {
        var capacity = capacity(10, creates: Rate(permits: 1, periodSeconds: 1, burst: 1), patience: .seconds(60))
        _ = capacity.guaranteesChanged(to: ["vip": 5], at: start)
        _ = ask(&capacity, "vip", 10)
        _ = ask(&capacity, "other", 10)
        var order: [String] = []
        for second in 1...8 {
            let going = capacity.timePassed(at: start + .seconds(second)).going
            order += going.map(\.tenant)
            for ticket in going { _ = capacity.slotReleased(ticket, at: start + .seconds(second)) }
        }
        #expect(order == ["other", "vip", "other", "vip", "other", "vip", "other", "vip"])
    }

    // MARK: Creates

    @Test("Creates are paced: none a nanosecond too early, the next one exactly in time")
    func paced() {
        var capacity = capacity(creates: Rate(permits: 5, periodSeconds: 1, burst: 1))
        let tickets = ask(&capacity, "a", 4)
        #expect(capacity.held == 1)
        for index in 1..<4 {
            let due = start + .milliseconds(200 * index)
            let early = capacity.timePassed(at: due - .nanoseconds(1))
            #expect(early == [.lookAgain(at: due)])
            #expect(capacity.timePassed(at: due).going == [tickets[index]])
        }
    }

    // MARK: Queue

    @Test("One tenant alone may fill the queue, and not more")
    func fullQueue() {
        var capacity = capacity(1, queue: 3)
        _ = ask(&capacity, "a", 4)
        let (ticket, actions) = capacity.callAsked(of: "a", at: start)
        #expect(actions.refused == [ticket: .queueFull(length: 3, retryAfter: .seconds(1))])
        #expect(capacity.waiting == 3)
    }

    @Test("In a full queue the newest of the longest line makes room for a tenant with fewer waiting")
    func makingRoom() {
        var capacity = capacity(1, queue: 4)
        let crowd = ask(&capacity, "crowd", 5)
        for (index, expected) in [crowd[4], crowd[3]].enumerated() {
            let (ticket, actions) = capacity.callAsked(of: "other", at: start)
            #expect(Array(actions.refused.keys) == [expected], "call \(index)")
            #expect(ticket.tenant == "other")
        }
        let (third, actions) = capacity.callAsked(of: "other", at: start)
        #expect(Array(actions.refused.keys) == [third], "it has as many waiting as anyone")
        let (last, lastActions) = capacity.callAsked(of: "newcomer", at: start)
        #expect(lastActions.refused.count == 1 && lastActions.refused[last] == nil)
    }

    @Test("A queue of length zero: go now or not at all")
    func noQueue() {
        var capacity = capacity(1, queue: 0)
        let first = ask(&capacity, "a")
        let (ticket, actions) = capacity.callAsked(of: "b", at: start)
        #expect(Array(actions.refused.keys) == [ticket])
        #expect(capacity.slotReleased(first[0], at: start).isEmpty)
        #expect(capacity.callAsked(of: "b", at: start).1.going.count == 1)
    }

    @Test("A call waits exactly as long as calls may")
    func deadline() {
        var capacity = capacity(1, patience: .seconds(3))
        _ = ask(&capacity, "a")
        let (ticket, actions) = capacity.callAsked(of: "b", at: start)
        let deadline = start + .seconds(3)
        #expect(actions == [.lookAgain(at: deadline)])
        #expect(capacity.timePassed(at: deadline - .nanoseconds(1)) == [.lookAgain(at: deadline)])
        let refusal = CapacityRefusal.waitedTooLong(patience: .seconds(3), retryAfter: .seconds(1))
        #expect(capacity.timePassed(at: deadline) == [.refuse(ticket, refusal)])
        #expect(capacity.waiting == 0)
    }

    @Test("Who leaves is neither served nor refused")
    func leaving() {
        var capacity = capacity(1)
        let held = ask(&capacity, "a")
        let waiting = ask(&capacity, "b", 2)
        capacity.waiterLeft(waiting[0])
        #expect(capacity.slotReleased(held[0], at: start).going == [waiting[1]])
        capacity.waiterLeft(waiting[1])
        #expect(capacity.held == 1, "it holds a slot, so it does not wait")
        #expect(capacity.timePassed(at: start + .seconds(100)).isEmpty)
    }

    @Test("Sandboxes left over from before hold slots, more than there are if need be")
    func leftovers() {
        var capacity = capacity(2)
        let leftovers = (0..<3).map { _ in capacity.sandboxFound() }
        let waiting = ask(&capacity, "a", 2)
        #expect((capacity.held, capacity.waiting) == (3, 2))
        #expect(capacity.slotReleased(leftovers[0], at: start).going.isEmpty)
        #expect(capacity.slotReleased(leftovers[1], at: start).going == [waiting[0]])
    }
}

extension [CapacityAction] {
    var going: [CapacityTicket] {
        compactMap { action in if case .go(let ticket) = action { ticket } else { nil } }
    }

    var refused: [CapacityTicket: CapacityRefusal] {
        reduce(into: [:]) { refused, action in
            if case .refuse(let ticket, let refusal) = action { refused[ticket] = refusal }
        }
    }

    var lookAgain: Moment? {
        compactMap { action in if case .lookAgain(let instant) = action { instant } else { nil } }.last
    }
}

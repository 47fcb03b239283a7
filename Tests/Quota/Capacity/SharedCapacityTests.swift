import Quota
import TestSupport
import Testing

/// What a gateway gives out of upstream's room that is its only in part; one thing at a time.
struct SharedCapacityTests {
    /// A capacity by reference: the macros of the tests cannot take what changes a value.
    private final class Room {
        var capacity: UpstreamCapacity
        let start = Moment(seconds: 1_000)

        init(_ sandboxes: Int? = nil, creates: Rate? = nil, queue: Int = 1_000) {
            let limits = CapacityLimits(sandboxes: sandboxes, creates: creates, queueLength: queue)
            capacity = UpstreamCapacity(limits: limits, isShared: true)
        }

        func asked(_ tenant: String = "a", after wait: Duration = .zero) -> (CapacityTicket, [CapacityAction]) {
            capacity.callAsked(of: tenant, at: start + wait)
        }
        func limited(_ slots: Int, fair: Int? = nil, for life: Duration = .seconds(10)) -> [CapacityAction] {
            let allotment = CapacityAllotment(slots: slots, fair: fair ?? slots)
            return capacity.limitsChanged(to: allotment, until: start + life, at: start)
        }
        func booked(_ waits: [Duration], at wait: Duration = .zero) -> [CapacityAction] {
            capacity.createsBooked(waits.map { start + $0 }, at: start + wait)
        }
        func demand() -> CapacityDemand { capacity.demandAsked() }
        func met() -> [CapacityAction] { capacity.demandMet(at: start) }
        func spare() -> CapacityTicket? { capacity.spareWanted(at: start) }
        func released(_ ticket: CapacityTicket) -> [CapacityAction] { capacity.slotReleased(ticket, at: start) }
        func timePassed(_ wait: Duration) -> [CapacityAction] { capacity.timePassed(at: start + wait) }
        func createsWanted() -> Int { capacity.createsWanted(at: start) }
        func guarantee(_ guarantees: [String: Int]) { _ = capacity.guaranteesChanged(to: guarantees, at: start) }
    }

    @Test("Before it is told its part calls wait and are not refused; then they go")
    func beforeTheFirstPart() {
        let room = Room(20, queue: 0)
        let tickets = (0..<3).map { _ in room.asked() }
        #expect(tickets.allSatisfy { $0.1.going.isEmpty && $0.1.refused.isEmpty })
        #expect(room.spare() == nil)
        #expect(room.demand() == CapacityDemand(held: 0, needed: 3, wished: 3))
        #expect(room.limited(2).going == tickets.prefix(2).map(\.0))
    }

    @Test("Once the others know of a call that there is no room for, the queue is as long as it is")
    func queue() {
        let room = Room(20, queue: 1)
        _ = (0..<3).map { _ in room.asked() }
        #expect(room.met().isEmpty, "nobody knows of them yet")
        _ = room.demand()
        #expect(room.met().refused.count == 2)
        #expect(room.capacity.waiting == 1)
    }

    @Test("With less than it holds, nothing is given out until enough is released")
    func shrinking() {
        let room = Room(20)
        _ = room.limited(3)
        let tickets = (0..<3).map { _ in room.asked().0 }
        let waiting = room.asked().0
        #expect(room.limited(1).going.isEmpty)
        #expect(room.capacity.claimed == 3)
        #expect(room.released(tickets[0]).going.isEmpty && room.released(tickets[1]).going.isEmpty)
        #expect(room.capacity.claimed == 1)
        #expect(room.released(tickets[2]).going == [waiting])
    }

    @Test("Warm sandboxes go when there is room for fewer, also when nobody waits here")
    func spares() throws {
        let room = Room(20)
        _ = room.limited(3)
        let first = try #require(room.spare())
        _ = try #require(room.spare())
        let actions = room.limited(1)
        #expect(actions == [.giveUp(first)])
        #expect(room.limited(1).isEmpty, "it is on its way")
        #expect(room.capacity.claimed == 2)
        _ = room.released(first)
        #expect(room.capacity.claimed == 1)
        #expect(room.spare() == nil)
        #expect(room.demand().wished > 1, "more are wished for")
        #expect(room.demand().wished == 1, "as long as somebody asks")
    }

    @Test("Nothing is given out by what may not be true any more")
    func expiry() {
        let room = Room(20)
        _ = room.limited(3, for: .seconds(5))
        #expect(room.asked(after: .seconds(5) - .nanoseconds(1)).1.going.count == 1)
        #expect(room.asked(after: .seconds(5)).1.going.isEmpty)
        _ = room.limited(3, for: .seconds(8))
        #expect(room.capacity.held == 2)
    }

    @Test("Creates go when they were booked, once each, and not much later")
    func bookedCreates() {
        let room = Room(creates: Rate(permits: 5, periodSeconds: 1, burst: 1))
        let tickets = (0..<4).map { _ in room.asked().0 }
        #expect(room.createsWanted() == 4)
        let actions = room.booked([.zero, .milliseconds(200), .milliseconds(400)])
        #expect(actions.going == [tickets[0]])
        #expect(actions.lookAgain == room.start + .milliseconds(200))
        #expect(room.createsWanted() == 1)
        #expect(room.timePassed(.milliseconds(199)).going.isEmpty)
        #expect(room.timePassed(.milliseconds(299)).going == [tickets[1]])
        #expect(room.timePassed(.milliseconds(500)).going.isEmpty, "too late")
        #expect(room.capacity.createsBooked(at: room.start + .milliseconds(500)) == 0)
    }

    @Test("No create is wanted for a call that has no room")
    func createsWithoutRoom() {
        let room = Room(20, creates: Rate(permits: 5, periodSeconds: 1, burst: 1))
        _ = (0..<4).map { _ in room.asked() }
        #expect(room.createsWanted() == 0)
        _ = room.limited(2)
        #expect(room.createsWanted() == 2)
        room.guarantee(["vip": 2])
        #expect(room.createsWanted() == 0, "all of it is another's")
        _ = room.asked("vip")
        #expect(room.createsWanted() == 1)
    }

    @Test("What is guaranteed is needed, in use or not, and honoured as far as there is room")
    func guarantees() {
        let room = Room(20)
        room.guarantee(["vip": 2])
        _ = room.limited(2)
        #expect(room.asked("crowd").1.going.isEmpty)
        #expect(room.demand() == CapacityDemand(held: 2, needed: 3, wished: 3))
        #expect(room.limited(3).going.count == 1)
        #expect(room.asked("vip").1.going.count == 1)
        #expect(room.demand() == CapacityDemand(held: 3, needed: 3, wished: 3))
    }

    @Test("What is beyond a fair part is for what is guaranteed, and for nobody else when it is released")
    func beyondAFairPart() {
        let room = Room(20)
        room.guarantee(["vip": 1])
        _ = room.limited(4)
        let crowd = (0..<4).map { _ in room.asked("crowd").0 }
        #expect(room.capacity.held == 3)
        _ = room.limited(4, fair: 2)
        #expect(room.released(crowd[0]).going.isEmpty && room.released(crowd[1]).going.isEmpty)
        let (vip, actions) = room.asked("vip")
        #expect(actions.going == [vip])
        #expect(room.released(vip).going.isEmpty)
        #expect(room.released(crowd[2]).going == [crowd[3]])
    }

    @Test("Gateways together guarantee what one alone would, each about as much", arguments: 0..<40)
    func dividedGuarantees(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let tenants = (0..<Int.random(in: 1...9, using: &generator)).map { "t\($0)" }
        let guarantees = Dictionary(
            uniqueKeysWithValues: tenants.map { ($0, Int.random(in: 1...7, using: &generator)) })
        let limits = CapacityLimits(sandboxes: .random(in: 5...40, using: &generator))
        let gateways = Int.random(in: 1...5, using: &generator)
        let alone = limits.guarantees(guarantees, at: 0, of: 1)
        let parts = (0..<gateways).map { limits.guarantees(guarantees, at: $0, of: gateways) }
        for tenant in tenants {
            let sums = parts.map { $0[tenant] ?? 0 }
            #expect(sums.reduce(0, +) == alone[tenant] ?? 0)
            #expect((sums.max() ?? 0) - (sums.min() ?? 0) <= 1)
        }
        let totals = parts.map { $0.values.reduce(0, +) }
        #expect((totals.max() ?? 0) - (totals.min() ?? 0) <= 1)
        #expect(alone.values.reduce(0, +) <= limits.sandboxes ?? 0)
    }
}

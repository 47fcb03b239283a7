import Quota
import Testing

/// Warm sandboxes among those that calls hold; ``UpstreamCapacityPropertyTests`` mixes them with everything else.
struct SpareTests {
    /// A capacity by reference: the macros of the tests cannot take what changes a value.
    private final class Room {
        var capacity: UpstreamCapacity
        let start = Moment(seconds: 1_000)

        init(_ sandboxes: Int? = nil, creates: Rate? = nil) {
            capacity = UpstreamCapacity(limits: CapacityLimits(sandboxes: sandboxes, creates: creates))
        }

        var held: Int { capacity.held }
        var spare: Int { capacity.spare }

        func spareWanted(after wait: Duration = .zero) -> CapacityTicket? { capacity.spareWanted(at: start + wait) }
        func spareTaken(_ spare: CapacityTicket, by tenant: String) -> CapacityTicket? {
            capacity.spareTaken(spare, by: tenant)
        }
        func asked(_ tenant: String = "a") -> (CapacityTicket, [CapacityAction]) {
            capacity.callAsked(of: tenant, at: start)
        }
        func timePassed() -> [CapacityAction] { capacity.timePassed(at: start) }
        func released(_ ticket: CapacityTicket) -> [CapacityAction] { capacity.slotReleased(ticket, at: start) }
        func guarantee(_ tenant: String, _ sandboxes: Int) {
            _ = capacity.guaranteesChanged(to: [tenant: sandboxes], at: start)
        }
        func full(for ticket: CapacityTicket) -> [CapacityAction] {
            capacity.upstreamWasFull(for: ticket, retryAfter: nil, at: start)
        }
    }

    @Test("A spare takes up room that nobody wants, and no more than there is")
    func room() throws {
        let capacity = Room(2)
        _ = capacity.asked()
        _ = try #require(capacity.spareWanted())
        #expect(capacity.spareWanted() == nil)
        #expect((capacity.held, capacity.spare) == (1, 1))
    }

    @Test("What is guaranteed to a tenant is not for spares")
    func guarantees() {
        let capacity = Room(2)
        capacity.guarantee("a", 1)
        #expect(capacity.spareWanted() != nil)
        #expect(capacity.spareWanted() == nil)
    }

    @Test("Spares are made at upstream's pace too, and never before a call that waits")
    func pace() {
        let capacity = Room(creates: Rate(permits: 1, periodSeconds: 1, burst: 1))
        #expect(capacity.spareWanted() != nil)
        #expect(capacity.spareWanted() == nil)
        #expect(capacity.asked().1.going.isEmpty)
        #expect(capacity.spareWanted(after: .seconds(1)) == nil, "a call waits for that permit")
    }

    @Test("A taken spare is the tenant's, and costs no create")
    func taken() throws {
        let capacity = Room(2, creates: Rate(permits: 1, periodSeconds: 60, burst: 1))
        let spare = try #require(capacity.spareWanted())
        let slot = try #require(capacity.spareTaken(spare, by: "a"))
        #expect((capacity.held, capacity.spare) == (1, 0))
        #expect(slot.tenant == "a")
        #expect(capacity.spareTaken(spare, by: "a") == nil, "used once")
        #expect(capacity.released(spare).isEmpty && capacity.held == 1)
        _ = capacity.released(slot)
        #expect(capacity.held == 0)
    }

    @Test("A call that wants room has a spare given up, and goes when it is gone")
    func givenUp() throws {
        let capacity = Room(1)
        let spare = try #require(capacity.spareWanted())
        let (call, actions) = capacity.asked()
        #expect(actions.first == .giveUp(spare))
        #expect(capacity.spareTaken(spare, by: "b") == nil)
        #expect(!capacity.timePassed().contains(.giveUp(spare)), "said once")
        #expect(capacity.released(spare).going == [call])
    }

    @Test("As many spares are given up as calls wait, not all")
    func onlyWhatIsWanted() {
        let capacity = Room(4)
        for _ in 0..<4 { _ = capacity.spareWanted() }
        let (_, actions) = capacity.asked()
        #expect(actions.count { if case .giveUp = $0 { true } else { false } } == 1)
    }

    @Test("Whoever takes a spare does not pass those that wait for room, nor a guarantee")
    func noPassing() throws {
        let capacity = Room(2)
        let spares = [capacity.spareWanted(), capacity.spareWanted()].compactMap(\.self)
        _ = capacity.asked()
        let kept = spares.filter { capacity.spareTaken($0, by: "b") != nil }
        #expect(kept.isEmpty)

        let guaranteed = Room(1)
        let spare = try #require(guaranteed.spareWanted())
        guaranteed.guarantee("a", 1)
        #expect(guaranteed.spareTaken(spare, by: "b") == nil)
        #expect(guaranteed.spareTaken(spare, by: "a") != nil)
    }

    @Test("Where upstream is full for a call, a spare goes; where it is full for a spare, none, and no more are made")
    func upstreamFull() throws {
        let capacity = Room()
        let spare = try #require(capacity.spareWanted()), call = capacity.asked().0
        let another = try #require(capacity.spareWanted())
        #expect(capacity.full(for: another).isEmpty)
        #expect(capacity.spareWanted() == nil)
        #expect(capacity.full(for: call) == [.giveUp(spare)])
    }
}

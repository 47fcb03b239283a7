import E2BUpstream
import Logging
import Quota
import Testing

@testable import Gateway

@Suite
struct WarmPoolTests {
    @Test func `what waiting has cost does not go down when a warm sandbox leaves its shelf`() throws {
        let limits = CapacityLimits(sandboxes: 2, creates: nil, queueLength: 10, patience: .seconds(30))
        let slots = UpstreamSlots(limits: limits, guarantees: { [:] }, logger: Logger(label: "test"))
        let began = ContinuousClock.now - .seconds(60)
        var shelf = PoolShelf<WarmPool.Spare>(at: began)
        for id in ["first", "second"] {
            let slot = try #require(slots.slotOfSpare())
            let sandbox = Sandbox(id: id, accessToken: nil, trafficToken: nil, domain: nil)
            shelf.ordered()
            shelf.made(
                WarmPool.Spare(sandbox: sandbox, slot: slot, keyID: "key"), endsAt: began + .seconds(600),
                took: .seconds(1), at: began)
        }
        var state = WarmPool.State()
        state.shelves[PoolKind(team: "team", template: "base", egress: .none)] = shelf

        var seen = state.standing(atMost: 2).idleMilliseconds
        #expect(seen >= 120_000)
        for id in ["first", "second"] {
            let gone = state.remove { $0.sandbox.id == id }
            #expect(gone.count == 1)
            let standing = state.standing(atMost: 2)
            #expect(standing.idleMilliseconds >= seen)
            seen = standing.idleMilliseconds
        }
        #expect(state.standing(atMost: 2).ready == 0)
    }
}

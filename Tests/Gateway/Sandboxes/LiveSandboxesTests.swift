import Auth
import Logging
import Quota
import Testing

@testable import Gateway

struct LiveSandboxesTests {
    @Test("What is counted elsewhere holds no slot here, and whoever ends it finds none")
    func countedElsewhere() {
        let slots = UpstreamSlots(
            limits: CapacityLimits(sandboxes: 3), guarantees: { [:] }, logger: Logger(label: "test"))
        let live = LiveSandboxes()
        for id in ["i1", "i2"] { live.hold(slots.slotOfLeftover(), for: id, of: KeyID.random(), "a") }
        #expect(slots.load.held == 2)
        live.countedElsewhere()
        #expect(slots.load.held == 0)
        #expect(live.leave("i1") === nil)
    }
}

import Logging
import Quota
import Synchronization
import TestSupport
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(1)))
struct UpstreamSlotsTests {
    private func slots(
        _ sandboxes: Int? = nil, creates: Rate? = nil, queue: Int = 1_000, patience: Duration = .seconds(30),
        guarantees: @escaping @Sendable () -> [String: Int] = { [:] }
    ) -> UpstreamSlots {
        let limits = CapacityLimits(sandboxes: sandboxes, creates: creates, queueLength: queue, patience: patience)
        return UpstreamSlots(limits: limits, guarantees: guarantees, logger: Logger(label: "test"))
    }

    private func held(_ slots: UpstreamSlots, _ tenant: String = "a") async throws -> UpstreamSlot {
        guard case .held(let slot) = await slots.slot(for: tenant, unless: StopSignal()) else {
            throw Unexpected()
        }
        return slot
    }

    private struct Unexpected: Error {}

    /// Runs `body` beside the service that keeps the time.
    private func running(_ slots: UpstreamSlots, _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await slots.run() }
            try await body()
            group.cancelAll()
        }
    }

    @Test func aReleasedSlotGoesToWhoeverWaits() async throws {
        let slots = slots(1)
        let first = try await held(slots)
        async let second = held(slots, "b")
        #expect(try await eventually { slots.load == (1, 1) })
        first.release()
        let slot = try await second
        #expect(slots.load == (1, 0))
        first.release()
        #expect(slots.load == (1, 0), "released twice, freed once")
        slot.release()
        #expect(slots.load == (0, 0))
    }

    @Test func aSlotThatNobodyHoldsIsReleased() async throws {
        let slots = slots(1)
        do { _ = try await held(slots) }
        #expect(slots.load == (0, 0))
    }

    @Test(arguments: [StopReason.callerLeft, .cancelled, .keyRevoked, .shutdown])
    func whoIsStoppedLeavesTheQueueAtOnce(reason: StopReason) async throws {
        let slots = slots(1), stop = StopSignal()
        let first = try await held(slots)
        async let waiting = slots.slot(for: "b", unless: stop)
        #expect(try await eventually { slots.load.waiting == 1 })
        stop.stop(reason)
        #expect(slots.load == (1, 0))
        guard case .stopped(reason) = await waiting else { throw Unexpected() }
        first.release()
        #expect(slots.load == (0, 0))
    }

    @Test func whoWasStoppedBeforeNeverGetsIn() async throws {
        let slots = slots(1), stop = StopSignal()
        stop.stop(.callerLeft)
        let first = try await held(slots)
        guard case .stopped = await slots.slot(for: "b", unless: stop) else { throw Unexpected() }
        #expect(slots.load == (1, 0))
        first.release()
    }

    @Test func whoWaitsTooLongIsRefused() async throws {
        let slots = slots(1, patience: .milliseconds(30))
        try await running(slots) {
            let first = try await held(slots)
            guard case .refused(.waitedTooLong) = await slots.slot(for: "b", unless: StopSignal()) else {
                throw Unexpected()
            }
            #expect(slots.load == (1, 0))
            first.release()
        }
    }

    @Test func aFullQueueRefuses() async throws {
        let slots = slots(1, queue: 0)
        let first = try await held(slots)
        guard case .refused(.queueFull(length: 0, _)) = await slots.slot(for: "b", unless: StopSignal()) else {
            throw Unexpected()
        }
        first.release()
    }

    @Test func createsArePacedByTheClock() async throws {
        let slots = slots(creates: Rate(permits: 50, periodSeconds: 1, burst: 1))
        try await running(slots) {
            let started = ContinuousClock.now
            for _ in 0..<6 { _ = try await held(slots) }
            #expect(ContinuousClock.now - started >= .milliseconds(100))
        }
    }

    @Test func aFullUpstreamIsLeftAlone() async throws {
        let slots = slots()
        try await running(slots) {
            let started = ContinuousClock.now
            let first = try await held(slots)
            first.upstreamWasFull(retryAfter: .milliseconds(80))
            first.release()
            _ = try await held(slots)
            #expect(ContinuousClock.now - started >= .milliseconds(80))
        }
    }

    @Test func guaranteesAreTakenOverWhenTheyChange() async throws {
        let guarantees = Mutex(["vip": 1])
        let slots = slots(2) { guarantees.withLock(\.self) }
        let first = try await held(slots, "crowd")
        async let second = held(slots, "crowd")
        #expect(try await eventually { slots.load == (1, 1) })
        let vip = try await held(slots, "vip")
        vip.release()
        #expect(slots.load == (1, 1))
        guarantees.withLock { $0 = [:] }
        slots.refreshGuarantees()
        let third = try await second
        #expect(slots.load == (2, 0))
        first.release()
        third.release()
    }

    @Test func leftoversHoldSlots() async throws {
        let slots = slots(1), leftover = slots.slotOfLeftover()
        async let waiting = held(slots)
        #expect(try await eventually { slots.load == (1, 1) })
        leftover.release()
        try await waiting.release()
        #expect(slots.load == (0, 0))
    }

    /// Releases, departures and deadlines from many threads at once: each call has one answer, and no slot is lost.
    @Test func nothingIsLostInAStorm() async throws {
        let slots = slots(4, queue: 20, patience: .milliseconds(20))
        try await running(slots) {
            let answers = await withTaskGroup(of: String.self) { group in
                for number in 0..<2_000 {
                    group.addTask {
                        let stop = StopSignal()
                        async let answer = slots.slot(for: "tenant-\(number % 7)", unless: stop)
                        if number % 3 == 0 { stop.stop(.callerLeft) }
                        switch await answer {
                        case .held(let slot):
                            #expect(slots.load.held <= 4)
                            await Task.yield()
                            slot.release()
                            return "held"
                        case .refused: return "refused"
                        case .stopped: return "stopped"
                        }
                    }
                }
                return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(answers.values.reduce(0, +) == 2_000)
            #expect(answers["held"] ?? 0 > 0)
            #expect(slots.load == (0, 0))
            let all = try await [held(slots), held(slots), held(slots), held(slots)]
            #expect(slots.load == (4, 0))
            for slot in all { slot.release() }
        }
    }
}

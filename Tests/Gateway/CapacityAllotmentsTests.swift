import Auth
import Foundation
import Logging
import Quota
import TestSupport
import Testing

@testable import Gateway
@testable import Ledger

/// Two gateways' rooms on one PostgreSQL. Runs with the ledger's tests on a server: that is a child, which other tests here
/// could not bear.
@Suite(
    .enabled(if: ProcessInfo.processInfo.environment["LEDGER_TESTS_ON"] == "postgresql", "it is about PostgreSQL"),
    .timeLimit(.minutes(1)))
struct CapacityAllotmentsTests {
    private struct Unexpected: Error {}

    private struct Fixture {
        let ledgers: [Ledger]
        let rooms: [UpstreamSlots]
        let allotments: [CapacityAllotments]
    }

    private func fixture(_ limits: CapacityLimits, guarantees: [String: Int] = [:]) async throws -> Fixture {
        let address = try await PostgreSQLServer.hasty().makeDatabase()
        let location = LedgerLocation.server(try PostgreSQLLocation(address)), rootKey = RootKey.random()
        let logger = Logger(label: "test")
        let first = try Ledger.create(in: location, rootKey: rootKey, by: "test")
        let ledgers = [first, try Ledger.open(in: location, rootKey: rootKey)]
        let rooms = ledgers.map { ledger in
            UpstreamSlots(limits: limits, isShared: ledger.isShared, guarantees: { guarantees }, logger: logger)
        }
        let allotments = zip(ledgers, rooms).map { CapacityAllotments(ledger: $0, slots: $1, logger: logger) }
        return Fixture(ledgers: ledgers, rooms: rooms, allotments: allotments)
    }

    /// Runs `body` beside the services of all gateways.
    private func running(_ fixture: Fixture, _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for ledger in fixture.ledgers { group.addTask { await ledger.mindPeers() } }
            for allotments in fixture.allotments { group.addTask { try await allotments.run() } }
            for slots in fixture.rooms { group.addTask { try await slots.run() } }
            try await body()
            group.cancelAll()
        }
        for ledger in fixture.ledgers { await ledger.close() }
    }

    private func held(_ slots: UpstreamSlots, _ tenant: String = "a") async throws -> UpstreamSlot {
        guard case .held(let slot) = await slots.slot(for: tenant, unless: StopSignal()) else { throw Unexpected() }
        return slot
    }

    @Test("Calls wait for the first part, and what one gateway releases another gets")
    func sharing() async throws {
        let fixture = try await fixture(CapacityLimits(sandboxes: 6, patience: .seconds(30)), guarantees: ["vip": 2])
        let (one, other) = (fixture.rooms[0], fixture.rooms[1])
        #expect(one.allotment == 0)
        let early = Task { try await held(one) }
        #expect(try await eventually { one.load.waiting == 1 })
        try await running(fixture) {
            var slots = [try await early.value]
            // Each keeps one free for the guaranteed tenant.
            while slots.count < 4 { slots.append(try await held(one)) }
            async let late = held(other)
            #expect(try await eventually { other.load.waiting == 1 })
            #expect(one.load.held + other.load.held == 4)
            slots.removeLast().release()
            let taken = try await late
            #expect(one.load.held + other.load.held == 4)
            let guaranteed = [try await held(one, "vip"), try await held(other, "vip")]
            #expect((one.allotment ?? 0) + (other.allotment ?? 0) <= 6)
            for slot in slots + guaranteed + [taken] { slot.release() }
        }
    }

    @Test("Creates of all gateways keep one pace")
    func pace() async throws {
        let rate = Rate(permits: 20, periodSeconds: 1, burst: 1)
        let fixture = try await fixture(CapacityLimits(creates: rate, patience: .seconds(30)))
        try await running(fixture) {
            let began = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<30 {
                    group.addTask { try await held(fixture.rooms[number % 2]).release() }
                }
                try await group.waitForAll()
            }
            // What was booked may go as late as it may, so that the first is late and the last is not.
            #expect(ContinuousClock.now - began >= .milliseconds(29 * 50 - 100))
        }
    }

    @Test("With a queue of none, who finds no room is refused once it is known that there is none")
    func noQueue() async throws {
        let fixture = try await fixture(CapacityLimits(sandboxes: 1, queueLength: 0, patience: .seconds(30)))
        try await running(fixture) {
            var held: UpstreamSlot?
            let isHeld = try await eventually {
                if case .held(let slot) = await fixture.rooms[0].slot(for: "a", unless: StopSignal()) { held = slot }
                return held != nil
            }
            #expect(isHeld)
            guard case .refused(.queueFull) = await fixture.rooms[0].slot(for: "a", unless: StopSignal()) else {
                throw Unexpected()
            }
            held?.release()
        }
    }

    @Test("A warm sandbox goes where another gateway's call needs its room")
    func spares() async throws {
        let fixture = try await fixture(CapacityLimits(sandboxes: 5, patience: .seconds(30)), guarantees: ["vip": 2])
        let (one, other) = (fixture.rooms[0], fixture.rooms[1])
        try await running(fixture) {
            var spares: [UpstreamSlot] = []
            let areSpare = try await eventually {
                if let spare = one.slotOfSpare() { spares.append(spare) }
                return spares.count == 2
            }
            #expect(areSpare)
            async let calls = [
                try await held(other, "a"), try await held(other, "b"), try await held(other, "c"),
            ]
            for await ticket in one.givenUp {
                spares.first { $0.ticket == ticket }?.release()
                spares.removeAll { $0.ticket == ticket }
                break
            }
            for slot in try await calls { slot.release() }
            // The other is where the guaranteed tenant's would be, which it is given up for as well.
            #expect(spares.count == 1)
            for slot in spares { slot.release() }
        }
    }

    @Test("Who leaves takes no more than it still uses, and nothing is asked where nothing is limited")
    func leaving() async throws {
        let fixture = try await fixture(CapacityLimits(sandboxes: 6, patience: .seconds(30)))
        let slot = fixture.rooms[0].slotOfLeftover(), other = fixture.ledgers[1]
        let serving = Task { try await fixture.allotments[0].run() }
        #expect(try await eventually { try await other.room().parts.values.first?.slots ?? 0 > 1 })
        serving.cancel()
        try await serving.value
        #expect(try await other.room().parts.values.map(\.slots) == [1])
        slot.release()
        for ledger in fixture.ledgers { await ledger.close() }
        let open = try await self.fixture(CapacityLimits())
        try await running(open) {
            try await held(open.rooms[0]).release()
            #expect(try await open.ledgers[0].room().parts.isEmpty)
            #expect(open.rooms[0].allotment == nil)
        }
    }
}

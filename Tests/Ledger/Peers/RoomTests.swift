import Foundation
import Quota
import Synchronization
import TestSupport
import Testing

@testable import Ledger

/// How gateways divide upstream's room in the database.
@Suite(.onAServer, .timeLimit(.minutes(2))) struct RoomTests {
    private static let silence = Duration.seconds(3)

    /// A gateway's side of it, with calls that hold sandboxes for as long as they like.
    private final class Gateway: Sendable {
        let ledger: Ledger
        private let whole: Int
        private let state: Mutex<UpstreamCapacity>
        private let held = Mutex<[CapacityTicket]>([])

        init(_ ledger: Ledger, of whole: Int) {
            self.ledger = ledger
            self.whole = whole
            let limits = CapacityLimits(sandboxes: whole, patience: .seconds(600))
            state = Mutex(UpstreamCapacity(limits: limits, isShared: true))
        }

        /// What upstream may have by it.
        var claimed: Int { state.withLock(\.claimed) }

        /// What it may have by all of them at one moment.
        static func claimed(by gateways: ArraySlice<Gateway>) -> Int {
            guard let first = gateways.first else { return 0 }
            return first.state.withLock { $0.claimed + claimed(by: gateways.dropFirst()) }
        }

        var isWaiting: Bool { state.withLock(\.waiting) > 0 }
        var holding: Int { held.withLock(\.count) }

        func call() { act { $0.callAsked(of: "a", at: $1).1 } }

        func release() {
            guard let ticket = held.withLock({ $0.popLast() }) else { return }
            act { $0.slotReleased(ticket, at: $1) }
        }

        func look() async throws {
            let demand = state.withLock { $0.demandAsked() }
            let room = try await ledger.room()
            let limit = room.allotment(of: whole, for: demand).bounded(by: room.own?.slots ?? 0)
            act { $0.limitsChanged(to: limit, until: $1 + .seconds(600), at: $1) }
            let claim = RoomClaim(whole: whole, demand: demand, claimed: claimed)
            let grant = try await ledger.claimRoom(claim)
            act { $0.limitsChanged(to: grant.allotment, until: $1 + .seconds(600), at: $1) }
        }

        private func act(_ fact: (inout UpstreamCapacity, Moment) -> [CapacityAction]) {
            let actions = state.withLock { fact(&$0, LedgerClock.realtime()) }
            for case .go(let ticket) in actions { held.withLock { $0.append(ticket) } }
        }
    }

    private func ended(_ ledger: Ledger, seenBy other: Ledger) throws {
        try other.database.prepare { [epoch = ledger.epoch] database in
            try database.execute("UPDATE gateway SET ended_at = 1, renewed_at = 1 WHERE epoch = ?", [epoch])
        }
    }

    private func written(_ ledger: Ledger) async throws -> Int {
        let room = try await ledger.room()
        return room.parts.values.reduce(room.gone) { $0 + $1.slots }
    }

    @Test("The sum never exceeds the whole, whoever joins, dies and leaves", arguments: [1, 4, 11] as [Int])
    func history(whole: Int) async throws {
        let peers = try await Peers(3, timing: PeerTiming(silence: .seconds(60)))
        let more = try (0..<2).map { _ in try Ledger.open(in: peers.location, rootKey: peers.rootKey) }
        let gateways = (peers.ledgers + more).map { Gateway($0, of: whole) }
        let watching = Task {
            while !Task.isCancelled {
                let sum = try await written(peers.ledgers[0])
                #expect(sum <= whole)
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, gateway) in gateways.enumerated() {
                group.addTask {
                    var generator = SeededGenerator(seed: UInt64(index))
                    // The last ones join late; the second dies, the third leaves.
                    let rounds = (index < 3 ? 0 : 40)..<(index == 1 || index == 2 ? 70 : 120)
                    for round in 0..<rounds.upperBound where !Task.isCancelled {
                        guard rounds.contains(round) else {
                            try await Task.sleep(for: .milliseconds(5))
                            continue
                        }
                        for _ in 0..<Int.random(in: 0...4, using: &generator) { gateway.call() }
                        try await gateway.look()
                        for _ in 0..<Int.random(in: 0...4, using: &generator) { gateway.release() }
                        // Those that are gone have what they had: nobody looked after it.
                        #expect(Gateway.claimed(by: gateways[...]) <= whole)
                    }
                    if index == 1 { try self.ended(gateway.ledger, seenBy: peers.ledgers[0]) }
                    if index == 2 { await gateway.ledger.leavePeers() }
                }
            }
            try await group.waitForAll()
        }
        watching.cancel()
        #expect(try await written(peers.ledgers[0]) <= whole)
        for ledger in more { await ledger.close() }
        await peers.close()
    }

    @Test("What others do not need goes to who needs it, and contention ends in equal parts")
    func fairness() async throws {
        let peers = try await Peers(3)
        let gateways = peers.ledgers.map { Gateway($0, of: 12) }
        for gateway in gateways { try await gateway.look() }
        for _ in 0..<40 { gateways[0].call() }
        try await gateways[0].look()
        #expect(gateways.map(\.holding) == [10, 0, 0], "the others have a headroom")
        for _ in 0..<2 { for gateway in gateways { try await gateway.look() } }
        #expect(gateways.map(\.holding) == [12, 0, 0], "and leave it to who needs it")
        for gateway in gateways[1...] { for _ in 0..<40 { gateway.call() } }
        for _ in 0..<12 {
            for gateway in gateways { try await gateway.look() }
            if gateways[0].holding > 4 { gateways[0].release() }
        }
        for _ in 0..<2 { for gateway in gateways { try await gateway.look() } }
        #expect(gateways.map(\.holding) == [4, 4, 4])
        await peers.close()
    }

    @Test("A part is a dead gateway's until somebody has looked after what it left")
    func lookedAfter() async throws {
        let peers = try await Peers(2, timing: PeerTiming(silence: Self.silence))
        let (dead, other) = (Gateway(peers.ledgers[0], of: 6), Gateway(peers.ledgers[1], of: 6))
        for _ in 0..<9 { dead.call() }
        try await dead.look()
        #expect(dead.holding == 6)
        let lease = try await dead.ledger.admit(peers.order())
        await peers.kill(0)
        try ended(dead.ledger, seenBy: other.ledger)
        for _ in 0..<9 { other.call() }
        try await other.look()
        #expect(other.holding == 0)
        #expect(try await peers.isKilled(lease, seenBy: other.ledger, within: .seconds(20)))
        let gone = try await other.ledger.goneGateways()
        #expect(gone == [dead.ledger.epoch])
        let demand = CapacityDemand(held: 2, needed: 9, wished: 9)
        let claim = RoomClaim(whole: 6, demand: demand, claimed: 2, lookedAfter: gone)
        let grant = try await other.ledger.claimRoom(claim)
        #expect((grant.allotment.slots, grant.room.gone) == (6, 0))
        #expect(try await other.ledger.goneGateways().isEmpty)
        await peers.close()
    }

    @Test("Tenants' sandboxes take up room as long as they run; those of living gateways within their parts")
    func tenantsSandboxes() async throws {
        let peers = try await Peers(2)
        let (first, other) = (peers.ledgers[0], peers.ledgers[1])
        let caller = SandboxCaller(
            tenant: Peers.tenant, claims: try first.authenticate(peers.key.token).claims, requestID: "req-1",
            sourceAddress: "127.0.0.1")
        var handles: [SandboxHandle] = []
        for id in ["i1", "i2"] {
            let order = SandboxAdmissionOrder(
                handle: .random(), caller: caller, template: "base", timeoutMilliseconds: 60_000, expiry: .kill,
                metadata: [:])
            handles.append(order.handle)
            _ = try await first.admit(order)
            _ = try await first.sandboxStarted(order.handle, id: id, access: .example)
        }
        #expect(try await other.room().gone == 0)
        await peers.kill(0)
        try ended(first, seenBy: other)
        #expect(try await other.room().gone == 2)
        try await other.endSandbox(handles[0], for: nil, because: "test")
        #expect(try await other.room().gone == 2, "it is there until it is destroyed")
        await other.sandboxDestroyed("i1")
        #expect(try await other.room().gone == 1)
        await peers.close()
    }

    @Test("One that goes on under another number has no part, and what it had is taken")
    func replaced() async throws {
        let peers = try await Peers(2)
        let gateway = Gateway(peers.ledgers[0], of: 6)
        for _ in 0..<4 { gateway.call() }
        try await gateway.look()
        let former = gateway.ledger.epoch
        try ended(gateway.ledger, seenBy: peers.ledgers[1])
        await peers.kill(0)
        try await gateway.ledger.showLife()
        #expect(gateway.ledger.epoch != former)
        let room = try await gateway.ledger.room()
        #expect(room.own == nil && room.gone == 5)
        #expect(room.allotment(of: 6, for: CapacityDemand(held: 0, needed: 4, wished: 4)).slots == 1)
        await peers.close()
    }

    @Test("Creates that gateways book at once fit one rate, and each gets some")
    func creates() async throws {
        let peers = try await Peers(3)
        let rate = Rate(permits: 200, periodSeconds: 1, burst: 4)
        let booked = try await withThrowingTaskGroup(of: [Moment].self) { group in
            for ledger in peers.ledgers {
                group.addTask {
                    var booked: [Moment] = []
                    while booked.count < 40 {
                        let order = CreateOrder(rate: rate, wanted: 9, booked: 0)
                        let claim = RoomClaim(
                            whole: nil, demand: CapacityDemand(held: 0, needed: 0, wished: 0), claimed: 0,
                            creates: order)
                        let grant = try await ledger.claimRoom(claim)
                        #expect(!grant.creates.isEmpty && grant.allotment == .nothing)
                        booked += grant.creates.map { grant.room.now + $0 }
                    }
                    return booked
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        var state = RateState()
        for instant in booked.sorted() { try state.take(under: rate, at: instant) }
        await peers.close()
    }

    @Test("Who cannot show that it lives is told for how long it may trust what it has")
    func livesFor() async throws {
        let peers = try await Peers(1)
        let before = try await peers.ledgers[0].room().livesFor
        #expect(before > .zero && before <= .seconds(10))
        await peers.kill(0)
        try await Task.sleep(for: .milliseconds(1_100))
        #expect(try await peers.ledgers[0].room().livesFor < .seconds(9))
        await peers.close()
    }
}

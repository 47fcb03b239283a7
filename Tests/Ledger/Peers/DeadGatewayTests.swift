import Quota
import TestSupport
import Testing

@testable import Ledger

/// What a gateway leaves that dies, and what becomes of one that was only held up.
@Suite(.onAServer) struct DeadGatewayTests {
    private static let timing = PeerTiming(silence: .seconds(4))
    /// Where nobody is to be taken for dead because of its silence.
    private static let forEver = PeerTiming(silence: .seconds(600))

    @Test("A dead gateway's leases are settled at their ceilings by another, its sandboxes marked, and it is on record")
    func takenOver() async throws {
        var policy = Policy.unlimited
        policy.runtime = [.day: 10_000]
        let peers = try await Peers(2, policy: policy, timing: Self.timing)
        let (dead, other) = (peers.ledgers[0], peers.ledgers[1])
        let lease = try await dead.admit(peers.order(timeout: 3_000))
        await dead.recordSandbox("i1", for: lease)
        await peers.kill(0)
        #expect(try await peers.isKilled(lease, seenBy: other, within: .seconds(20)))
        let record = try #require(try await other.execution(lease.executionID.text, of: Peers.tenant))
        #expect(record.runtimeMilliseconds == 3_000)
        #expect(try await other.sandboxesToDestroy() == ["i1"])
        let actions = try await other.auditRecords(AuditQuery(limit: 1_000)).map(\.entry.action)
        #expect(actions.contains(.gatewayLost))
        try await peers.expectSound()
        await peers.close()
    }

    @Test("One that was only held up finds its lease settled, once, and goes on under another number")
    func heldUp() async throws {
        let peers = try await Peers(2, timing: Self.timing)
        let (held, other) = (peers.ledgers[0], peers.ledgers[1])
        let (lease, epoch) = (try await held.admit(peers.order(timeout: 3_000)), held.epoch)
        await peers.kill(0)
        #expect(try await peers.isKilled(lease, seenBy: other, within: .seconds(20)))
        let settled = try await held.settle(lease, with: .completed(held: 1))
        #expect(settled.wasSettledBefore && settled.chargedMilliseconds == 3_000)
        #expect(held.epoch > other.epoch && other.epoch > epoch)
        let next = try await held.admit(peers.order())
        #expect(try await other.livingEpochs() == [held.epoch, other.epoch])
        _ = try await held.settle(next, with: .completed(held: 1))
        var news = held.news.makeAsyncIterator()
        #expect(await news.next() == .replaced)
        try await peers.expectSound()
        await peers.close()
    }

    @Test("One that lives is left alone, however long it has been there")
    func alive() async throws {
        let peers = try await Peers(2, timing: Self.timing)
        let lease = try await peers.ledgers[0].admit(peers.order(timeout: 3_000))
        try await Task.sleep(for: Self.timing.silence + .seconds(1))
        #expect(try await peers.ledgers[1].execution(lease.executionID.text, of: Peers.tenant)?.outcome == nil)
        _ = try await peers.ledgers[0].settle(lease, with: .completed(held: 5))
        try await peers.expectSound()
        await peers.close()
    }

    @Test("A command that has the ledger open for longer than others are patient is not taken for dead")
    func command() async throws {
        let peers = try await Peers(1, timing: Self.timing)
        let command = try Ledger.open(in: peers.location, rootKey: peers.rootKey, timing: Self.timing)
        let opened = ContinuousClock.now
        try await command.showingLife {
            let isLonger = try await eventually { ContinuousClock.now - opened > Self.timing.silence + .seconds(1) }
            #expect(isLonger)
        }
        #expect(try await peers.ledgers[0].livingEpochs() == [peers.ledgers[0].epoch, command.epoch])
        await command.close()
        await peers.close()
    }

    @Test("Whose leases nobody took over yet are taken over by whoever finds them")
    func halfTakenOver() async throws {
        let peers = try await Peers(2, timing: Self.forEver)
        let lease = try await peers.ledgers[0].admit(peers.order(timeout: 3_000))
        await peers.kill(0)
        try peers.ledgers[1].database.prepare { [epoch = peers.ledgers[0].epoch] database in
            try database.execute("UPDATE gateway SET ended_at = 1 WHERE epoch = ?", [epoch])
        }
        #expect(try await peers.isKilled(lease, seenBy: peers.ledgers[1], within: .seconds(30)))
        try await peers.expectSound()
        await peers.close()
    }

    @Test("One that leaves in good order need not be waited for")
    func left() async throws {
        let peers = try await Peers(2, timing: Self.forEver)
        let lease = try await peers.ledgers[0].admit(peers.order(timeout: 3_000))
        await peers.kill(0)
        await peers.ledgers[0].close()
        #expect(try await peers.isKilled(lease, seenBy: peers.ledgers[1], within: .seconds(30)))
        try await peers.expectSound()
        await peers.close()
    }
}

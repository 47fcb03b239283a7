import Auth
import Quota
import TestSupport
import Testing

@testable import Ledger

/// What a gateway is told of that others did, or that the database's absence does.
@Suite(.onAServer) struct PeerNewsTests {
    @Test("Who runs something is told within a second what another gateway did to it")
    func told() async throws {
        let peers = try await Peers(2)
        let (one, other) = (peers.ledgers[0], peers.ledgers[1])
        var news = other.news.makeAsyncIterator()

        try await one.revokeKey(peers.key.key.id, by: "test")
        #expect(await news.next() == .keyRevoked(peers.key.key.id))
        try await one.changePolicy(of: Peers.tenant, by: "test") { policy throws(PolicyFailure) in
            var policy = policy
            policy.executions = 3
            return policy
        }
        #expect(await news.next() == .tenantsChanged)
        try await one.suspendTenant(Peers.tenant, by: "test")
        #expect(await news.next() == .tenantShutOut(Peers.tenant))
        #expect(await news.next() == .tenantsChanged)
        let secret = try #require(UpstreamKeySecret("e2b_\(String(repeating: "1", count: 40))"))
        _ = try await one.addUpstreamKey(secret, team: "default", by: "test")
        #expect(await news.next() == .upstreamKeysChanged)
        #expect(other.upstreamKeys().count == 1)
        await peers.close()
    }

    @Test("A sandbox made through one gateway is known to another that looks for it, and its end is told")
    func sandboxes() async throws {
        let peers = try await Peers(2)
        for task in 0..<2 { await peers.kill(task) }
        let (one, other) = (peers.ledgers[0], peers.ledgers[1])
        let caller = try peers.caller()
        let admitted = try await one.admit(
            SandboxAdmissionOrder(handle: .random(), caller: caller, template: "base", timeoutMilliseconds: 60_000))
        let sandbox = try await one.sandboxStarted(admitted.handle, id: "i1", access: .example)
        #expect(other.runningSandbox("i1") == nil)
        try await other.catchUp()
        #expect(other.runningSandbox("i1")?.handle == sandbox.handle)
        #expect(one.token(.envd, of: sandbox) == other.token(.envd, of: sandbox))

        try await one.endSandbox(sandbox.handle, for: caller, because: SandboxEnd.killed)
        try await other.catchUp()
        var news = other.news.makeAsyncIterator()
        #expect(await news.next() == .sandboxLeft("i1"))
        try await peers.expectSound()
        await peers.close()
    }

    @Test("Whoever asks any gateway to stop an execution reaches the one that runs it")
    func stop() async throws {
        let peers = try await Peers(3)
        let lease = try await peers.ledgers[2].admit(peers.order())
        #expect(try await peers.ledgers[0].askToStop(lease.executionID, of: "other") == false)
        #expect(try await peers.ledgers[0].askToStop(lease.executionID, of: Peers.tenant))
        var news = peers.ledgers[2].news.makeAsyncIterator()
        #expect(await news.next() == .stopAsked(lease.executionID, because: nil))
        _ = try await peers.ledgers[2].settle(lease, with: .completed(held: 1))
        #expect(try await peers.ledgers[0].askToStop(lease.executionID, of: Peers.tenant) == false)
        await peers.close()
    }

    @Test("What an administrator ends through one gateway ends on the one that runs it, for the reason that was given")
    func endedByAdministrators() async throws {
        let peers = try await Peers(2)
        let (one, other) = (peers.ledgers[0], peers.ledgers[1])
        let caller = try peers.caller()
        let lease = try await other.admit(peers.order())
        let admitted = try await other.admit(
            SandboxAdmissionOrder(handle: .random(), caller: caller, template: "base", timeoutMilliseconds: 60_000))
        _ = try await other.sandboxStarted(admitted.handle, id: "i1", access: .example)
        try await one.suspendTenant(Peers.tenant, by: "test")
        var news = other.news.makeAsyncIterator()
        for expected: PeerNews in [
            .tenantShutOut(Peers.tenant), .tenantsChanged, .sandboxLeft("i1"),
            .stopAsked(lease.executionID, because: .tenantSuspended),
        ] {
            #expect(await news.next() == expected)
        }
        var own = one.news.makeAsyncIterator()
        #expect(await own.next() == .tenantShutOut(Peers.tenant))
        #expect(await own.next() == .sandboxesEnded(["i1"]), "whoever ended it destroys it")
        _ = try await other.settle(lease, with: .completed(held: 1))
        try await peers.expectSound()
        await peers.close()
    }

    @Test("A pause, a suspended key and a deleted tenant hold in the next commit of a gateway that nobody told")
    func heldAtOnce() async throws {
        let peers = try await Peers(2)
        for task in 0..<2 { await peers.kill(task) }
        let (one, other) = (peers.ledgers[0], peers.ledgers[1])
        try await one.pauseWork(by: "test", because: "bills")
        await #expect(throws: AdmissionFailure.paused("bills")) { try await other.admit(peers.order()) }
        #expect(other.pause?.reason == "bills")
        try await one.resumeWork(by: "test")
        let lease = try await other.admit(peers.order())
        _ = try await other.settle(lease, with: .completed(held: 1))
        try await one.suspendKey(peers.key.key.id, by: "test", because: "leaked")
        await #expect(throws: AdmissionFailure.keySuspended("leaked")) { try await other.admit(peers.order()) }
        try await one.resumeKey(peers.key.key.id, by: "test")
        try await one.renameTenant(Peers.tenant, to: "research", by: "test")
        let running = try await other.admit(peers.order())
        #expect(other.tenantName(Peers.tenant) == "research")
        try await one.deleteTenant("research", by: "test")
        await #expect(throws: AdmissionFailure.keyRevoked) { try await other.admit(peers.order()) }
        _ = try await other.settle(running, with: .completed(held: 1))
        try await peers.expectSound()
        await peers.close()
    }

    @Test("However many slow queries there are, what others changed is seen, and what is known goes on being believed")
    func slowQueries() async throws {
        let peers = try await Peers(2)
        let ledger = peers.ledgers[0]
        let queries = (0..<8).map { _ in
            Task { try? await ledger.read { database in _ = try database.rows("SELECT pg_sleep(25)") } }
        }
        let issued = try await peers.ledgers[1].issueKey(for: Peers.tenant, by: "test")
        #expect(try await eventually(within: .seconds(5)) { (try? ledger.authenticate(issued.token)) != nil })
        _ = try await ledger.room()
        #expect(try await ledger.otherGateways() == 1)
        for query in queries { query.cancel() }
        for query in queries { await query.value }
        await peers.close()
    }

    @Test(
        "Without the database nothing in memory is believed for long, and what runs is given up before others take it")
    func cutOff() async throws {
        let server = try await PostgreSQLServer.start(syncing: false)
        let timing = PeerTiming(cutOff: .seconds(2), sight: .seconds(1))
        let peers = try await Peers(1, on: server, timing: timing)
        let ledger = peers.ledgers[0]
        #expect(try await eventually { (try? ledger.authenticate(peers.key.token)) != nil })
        let lease = try await ledger.admit(peers.order(timeout: 3_000))
        try await server.stop()
        #expect(
            try await eventually {
                do throws(AuthenticationFailure) {
                    _ = try ledger.authenticate(peers.key.token)
                    return false
                } catch {
                    if case .unavailable = error { return true }
                    throw error
                }
            })
        await #expect(throws: RateFailure.self) { try await ledger.takeRate(of: Peers.tenant) }
        var news = ledger.news.makeAsyncIterator()
        #expect(await news.next() == .cutOff)
        await #expect(throws: LedgerFailure.self) { try await ledger.settle(lease, with: .completed(held: 7)) }
        // What is owed is nobody's to give back.
        #expect(ledger.claimed.unclaimed(among: [lease.executionID.text]) == [])

        try await server.restart()
        #expect(try await eventually { (try? ledger.authenticate(peers.key.token)) != nil })
        _ = try await ledger.admit(peers.order())
        #expect(try await eventually { await ledger.payDebts() })
        let record = try await ledger.execution(lease.executionID.text, of: Peers.tenant)
        #expect(record?.outcome == .completed && record?.runtimeMilliseconds == 7)
        #expect(ledger.claimed.unclaimed(among: [lease.executionID.text]) != [])
        await peers.close()
        try await server.stop()
    }
}

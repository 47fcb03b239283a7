import Auth
import Quota
import Testing

@testable import Ledger

/// What goes on now, and who ends it.
struct LiveWorkTests {
    @Test("What runs is told with what it has come to")
    func list() async throws {
        let test = try await TestLedger()
        let begun = test.clock.now
        let waiting = try await test.ledger.admit(test.order(timeout: 9_000))
        let held = try await test.ledger.admit(test.order(timeout: 5_000, subject: nil))
        await test.ledger.recordSandbox("sbx", for: held)
        let over = try await test.ledger.admit(test.order())
        _ = try await test.ledger.settle(over, with: .completed(held: 1))
        test.clock.advance(by: .seconds(2))

        let work = try await test.ledger.liveWork()
        #expect(work.map(\.id) == [waiting, held].map(\.executionID.text).sorted())
        let told = Dictionary(uniqueKeysWithValues: work.map { ($0.id, $0) })
        let first = try #require(told[waiting.executionID.text]), second = try #require(told[held.executionID.text])
        #expect((first.state, first.endsAt, first.runtimeMilliseconds) == (.starting, nil, 0))
        #expect((first.subject, first.keyID, first.tenant) == ("user-42", "\(test.key.key.id)", TestLedger.tenant))
        #expect((second.state, second.subject, second.runtimeMilliseconds) == (.running, nil, 2_000))
        #expect(second.startedAt == begun && second.endsAt == begun + .seconds(5))
        test.clock.advance(by: .seconds(20))
        #expect(try await test.ledger.liveWork(kind: .execution).map(\.runtimeMilliseconds).max() == 5_000)
    }

    @Test("A sandbox's runtime is that of all its leases; asleep it has no end")
    func sandboxes() async throws {
        let test = try await TestLedger()
        let caller = try test.caller()
        let sandbox = try await test.sandbox(60_000, id: "i1")
        test.clock.advance(by: .seconds(3))
        _ = try await test.ledger.prolong(sandbox.handle, by: 90_000, isExtension: false, for: caller)
        test.clock.advance(by: .seconds(4))
        let running = try #require(try await test.ledger.liveWork().first)
        #expect((running.id, running.kind) == ("i1", .sandbox))
        #expect((running.state, running.runtimeMilliseconds) == (.running, 7_000))
        #expect(running.endsAt == test.clock.now + .seconds(86))

        _ = try await test.ledger.pause(sandbox.handle, for: caller, because: "asked")
        test.clock.advance(by: .seconds(100))
        let paused = try #require(try await test.ledger.liveWork(kind: .sandbox).first)
        #expect((paused.state, paused.endsAt, paused.runtimeMilliseconds) == (.paused, nil, 7_000))

        let making = try await test.ledger.admit(try test.sandboxOrder())
        let told = try #require(try await test.ledger.liveWork().first { $0.id == making.handle.text })
        #expect((told.state, told.endsAt, told.runtimeMilliseconds) == (.starting, nil, 0))
        #expect(try await test.ledger.liveWork(kind: .execution) == [])
    }

    @Test("Each tenant has its own")
    func tenants() async throws {
        let test = try await TestLedger()
        try await test.ledger.createTenant("other", by: "test")
        _ = try await test.ledger.admit(test.order())
        _ = try await test.sandbox()
        #expect(try await test.ledger.liveWork(of: TestLedger.tenant).count == 2)
        #expect(try await test.ledger.liveWork(of: "other") == [])
        await #expect(throws: LedgerFailure.noSuchTenant("nobody")) { try await test.ledger.liveWork(of: "nobody") }
    }

    @Test("What a dead gateway left is nothing that runs")
    func leftBehind() async throws {
        let test = try await TestLedger()
        let lease = try await test.ledger.admit(test.order())
        let next = try await test.reopened()
        #expect(try await next.liveWork() == [])
        #expect(try await next.kill(lease.executionID.text, by: "test") == nil)
        await next.close()
    }

    @Test("An execution that an administrator ends is stopped where it runs, and its record says who did it")
    func killExecution() async throws {
        let test = try await TestLedger()
        let lease = try await test.ledger.admit(test.order())
        let actor = Actor("local:root", requestID: "req-kill")
        guard case .execution(lease.executionID)? = try await test.ledger.kill(lease.executionID.text, by: actor) else {
            Issue.record("it was not ended")
            return
        }
        var news = test.ledger.news.makeAsyncIterator()
        #expect(await news.next() == .stopAsked(lease.executionID, because: .killed))
        let record = try #require(try await test.audit(.executionKilled).first?.entry)
        #expect((record.actor, record.requestID, record.tenant) == ("local:root", "req-kill", TestLedger.tenant))
        #expect((record.execution, record.keyID) == (lease.executionID.text, "\(test.key.key.id)"))
        #expect(try await test.check().findings == [])

        _ = try await test.ledger.settle(lease, with: .completed(held: 1))
        #expect(try await test.ledger.kill(lease.executionID.text, by: actor) == nil)
        #expect(try await test.audit(.executionKilled).count == 1)
        #expect(try await test.check().findings == [])
    }

    @Test(
        "A sandbox that an administrator ends is settled; its last record names who did it", arguments: [true, false])
    func killSandbox(byHandle: Bool) async throws {
        let test = try await TestLedger()
        let sandbox = try await test.sandbox(id: "i1")
        test.clock.advance(by: .seconds(2))
        let name = byHandle ? sandbox.handle.text : "i1"
        guard case .sandbox(let ended)? = try await test.ledger.kill(name, by: "local:root") else {
            Issue.record("it was not ended")
            return
        }
        #expect((ended.handle, ended.state) == (sandbox.handle, .ended))
        let record = try #require(try await test.audit(.sandboxEnded).last?.entry)
        #expect((record.actor, record.reason, record.runtime) == ("local:root", "killed_by_administrator", 2_000))
        #expect((record.tenant, record.sandbox, record.sandboxHandle) == (TestLedger.tenant, "i1", sandbox.handle.text))
        #expect(record.keyID == "\(test.key.key.id)" && record.requestID == nil)
        #expect(try await test.ledger.sandboxesToDestroy() == ["i1"])
        #expect(try await test.usage().sandboxes == 0)
        #expect(try await test.ledger.kill(name, by: "local:root") == nil)
        #expect(try await test.check().findings == [])
    }

    @Test("One that is being made is ended before it is there")
    func killEarly() async throws {
        let test = try await TestLedger()
        let making = try await test.ledger.admit(try test.sandboxOrder())
        #expect(try await test.ledger.kill(making.handle.text, by: "test") != nil)
        await #expect(throws: SandboxFailure.endedInTheMaking(EndedByAdministrator.killed.rawValue)) {
            try await test.ledger.sandboxStarted(making.handle, id: "i1", access: .example)
        }
    }

    @Test("An administrator whose token was revoked meanwhile ends nothing")
    func revoked() async throws {
        let test = try await TestLedger()
        let issued = try await test.ledger.issueAdminToken(named: "gone", scopes: Scope.adminScopes, by: "test")
        let actor = Actor(try test.ledger.authenticateAdmin(issued.token), requestID: "r", sourceAddress: "s")
        try await test.ledger.revokeAdminKey(issued.key.id, by: "test")
        let lease = try await test.ledger.admit(test.order())
        let sandbox = try await test.sandbox()
        for name in [lease.executionID.text, sandbox.handle.text] {
            await #expect(throws: LedgerFailure.actorRefused) { _ = try await test.ledger.kill(name, by: actor) }
        }
        #expect(try await test.ledger.liveWork().count == 2)
    }

    @Test("Whoever ends something through any gateway reaches the one that runs it", .onAServer)
    func elsewhere() async throws {
        let peers = try await Peers(2)
        let (one, other) = (peers.ledgers[0], peers.ledgers[1])
        let lease = try await one.admit(peers.order())
        let admitted = try await one.admit(
            SandboxAdmissionOrder(
                handle: .random(), caller: try peers.caller(), template: "base", timeoutMilliseconds: 60_000))
        _ = try await one.sandboxStarted(admitted.handle, id: "i1", access: .example)
        #expect(try await other.liveWork().map(\.id) == [lease.executionID.text, "i1"])
        #expect(try await other.kill(lease.executionID.text, by: "test") != nil)
        #expect(try await other.kill("i1", by: "test") != nil)
        var news: Set<String> = []
        for await word in one.news {
            news.insert("\(word)")
            if news.count == 2 { break }
        }
        #expect(
            news == [
                "\(PeerNews.stopAsked(lease.executionID, because: .killed))", "\(PeerNews.sandboxLeft("i1"))",
            ])
        _ = try await one.settle(lease, with: .completed(held: 1))
        #expect(try await other.liveWork() == [])
        try await peers.expectSound()
        await peers.close()
    }
}

import Auth
import Quota
import Testing

@testable import Ledger

/// All work is paused, or a key is suspended.
struct KillSwitchTests {
    @Test("While work is paused nothing new begins, what runs goes on, and whoever is refused is told why")
    func paused() async throws {
        let test = try await TestLedger()
        let caller = try test.caller()
        let lease = try await test.ledger.admit(test.order())
        let sandbox = try await test.sandbox(), asleep = try await test.sandbox(id: "asleep")
        let making = try await test.ledger.admit(try test.sandboxOrder())
        _ = try await test.ledger.pause(asleep.handle, for: caller, because: "asked")
        try await test.ledger.pauseWork(by: "local:root", because: "bills")

        let paused = AdmissionFailure.paused("bills")
        await #expect(throws: paused) { try await test.ledger.admit(test.order()) }
        await #expect(throws: SandboxFailure.refused(paused)) { try await test.ledger.admit(try test.sandboxOrder()) }
        await #expect(throws: SandboxFailure.refused(paused)) {
            try await test.ledger.prolong(sandbox.handle, by: 90_000, isExtension: true, for: caller)
        }
        await #expect(throws: SandboxFailure.refused(paused)) {
            try await test.ledger.resume(asleep.handle, for: 1_000, by: caller)
        }
        let refusals = try await test.audit().filter { $0.entry.reason == "paused" }.map(\.entry.action)
        #expect(Set(refusals) == [.executionRefused, .sandboxRefused])

        _ = try test.ledger.authenticate(test.key.token)
        _ = try test.ledger.judge(sandbox, from: "127.0.0.1")
        _ = try await test.ledger.sandboxStarted(making.handle, id: "made", access: .example)
        let shorter = try await test.ledger.prolong(sandbox.handle, by: 1_000, isExtension: false, for: caller)
        #expect(shorter.endsAt == test.clock.now + .seconds(1))
        _ = try await test.ledger.prolong(sandbox.handle, by: 500, isExtension: true, for: caller)
        _ = try await test.ledger.settle(lease, with: .completed(held: 1))

        try await test.ledger.resumeWork(by: "test")
        _ = try await test.ledger.admit(test.order())
        _ = try await test.ledger.resume(asleep.handle, for: 1_000, by: caller)
        #expect(try await test.check().findings == [])
    }

    @Test("A pause outlives the process, is on record, and is resumed once")
    func survives() async throws {
        let test = try await TestLedger()
        let since = test.clock.now
        #expect(try await test.ledger.presentPause() == nil)
        try await test.ledger.pauseWork(by: "local:root", because: "bills")
        test.clock.advance(by: .seconds(9))
        try await test.ledger.pauseWork(by: "admin:ops")
        let ledger = try await test.reopened()
        #expect(ledger.pause == Suspension(since: since, by: "admin:ops", reason: "bills"))
        await #expect(throws: AdmissionFailure.paused("bills")) { try await ledger.admit(test.order()) }
        for _ in 0..<2 { try await ledger.resumeWork(by: "test") }
        #expect(ledger.pause == nil)
        let records = try await ledger.auditRecords(AuditQuery(limit: 1_000)).map(\.entry)
        #expect(
            records.filter { [.workPaused, .workResumed].contains($0.action) }.map {
                "\($0.actor ?? "-") \($0.afterDocument ?? "-")"
            }
                == [
                    #"local:root {"reason":"bills","suspended":true}"#,
                    #"admin:ops {"reason":"bills","suspended":true}"#,
                    #"test {"suspended":false}"#,
                ])
        await ledger.close()
        let again = try Ledger.open(in: test.location, rootKey: test.rootKey, clock: test.clock.source)
        #expect(again.pause == nil)
        await again.close()
    }

    @Test("A repeated request gets its reply although work is paused")
    func repetition() async throws {
        let test = try await TestLedger()
        try await test.finished(under: "k", leaving: .state(.tooLarge))
        try await test.ledger.pauseWork(by: "test")
        #expect(try await test.reply(under: "k") != nil)
        await #expect(throws: AdmissionFailure.paused(nil)) { try await test.order(under: "other") }
    }

    @Test("What runs is ended with a pause where that is said, everybody's")
    func endsRunning() async throws {
        let test = try await TestLedger()
        let caller = try test.caller()
        try await test.ledger.createTenant("beta", policy: .unlimited, by: "test")
        let lease = try await test.ledger.admit(test.order())
        _ = try await test.sandbox(id: "awake")
        let asleep = try await test.sandbox(id: "asleep")
        _ = try await test.ledger.pause(asleep.handle, for: caller, because: "asked")
        try await test.ledger.pauseWork(by: "test", endsRunning: true)
        var news = test.ledger.news.makeAsyncIterator()
        #expect(await news.next() == .sandboxesEnded(["awake"]))
        #expect(await news.next() == .stopAsked(lease.executionID, because: .paused))
        #expect(test.ledger.sandbox(asleep.handle)?.state == .paused)
        #expect(try await test.audit(.sandboxEnded).map(\.entry.reason) == ["paused"])
        let paused = try #require(try await test.audit(.workPaused).last)
        #expect(paused.entry.afterDocument == #"{"end_running":true,"suspended":true}"#)
        _ = try await test.ledger.settle(lease, with: .completed(held: 1))
        #expect(try await test.check().findings == [])
    }

    @Test("A suspended key opens nothing until it is resumed; the tenant's others go on", arguments: [false, true])
    func key(endsRunning: Bool) async throws {
        let test = try await TestLedger()
        let id = test.key.key.id
        let other = try await test.ledger.issueKey(for: TestLedger.tenant, by: "test")
        let lease = try await test.ledger.admit(test.order())
        let sandbox = try await test.sandbox(id: "mine")
        let others = try await test.sandbox(id: "others", by: try test.caller(key: other))
        let suspended = try await test.ledger.suspendKey(id, by: "ops", because: "leaked", endsRunning: endsRunning)
        let uses = suspended.usesLastHour
        #expect(suspended.state == .suspended && suspended.suspension?.reason == "leaked")

        #expect(throws: AuthenticationFailure.keySuspended("leaked")) { try test.ledger.authenticate(test.key.token) }
        var shutOut: Authenticated?
        _ = try? test.ledger.authenticate(test.key.token) { shutOut = $0 }
        #expect(shutOut?.tenant == TestLedger.tenant && shutOut?.claims.keyID == id)
        let forged = Token.mint(id, secret: .random())
        #expect(throws: AuthenticationFailure.refused(.forged)) {
            try test.ledger.authenticate(forged) { _ in Issue.record("nobody's") }
        }
        await #expect(throws: AdmissionFailure.keySuspended("leaked")) { try await test.ledger.admit(test.order()) }
        #expect(throws: SandboxRefusal.keySuspended) { try test.ledger.judge(sandbox, from: "127.0.0.1") }
        _ = try test.ledger.judge(others, from: "127.0.0.1")
        _ = try test.ledger.authenticate(other.token)
        await #expect(throws: LedgerFailure.keyNotActive("\(id)")) {
            try await test.ledger.rotateKey(id, overlap: .seconds(1), by: "test")
        }
        var news = test.ledger.news.makeAsyncIterator()
        if endsRunning {
            #expect(await news.next() == .sandboxesEnded(["mine"]))
            #expect(await news.next() == .stopAsked(lease.executionID, because: .keySuspended))
        }
        #expect(await news.next() == .keySuspended(id))
        let after = try #require(try await test.audit(.keySuspended).last?.entry.afterDocument)
        #expect(after.contains(#""end_running":true"#) == endsRunning)
        #expect((test.ledger.sandbox(sandbox.handle) == nil) == endsRunning)
        #expect(try await test.ledger.endOverdueSandboxes().isEmpty, "suspended is not revoked")

        let ledger = try await test.reopened()
        #expect(throws: AuthenticationFailure.keySuspended("leaked")) { try ledger.authenticate(test.key.token) }
        for _ in 0..<2 {
            let resumed = try await ledger.resumeKey(id, by: "test")
            #expect(resumed.state == .active && resumed.usesLastHour == uses, "refused calls are no uses")
        }
        _ = try ledger.authenticate(test.key.token)
        #expect(try await ledger.auditRecords(AuditQuery(keyID: "\(id)", action: .keyResumed)).count == 1)
        await ledger.close()
        #expect(try await test.check().findings == [])
    }

    @Test("An order whose sandbox was ended before it was there leaves its idempotency key free")
    func freedKeys() async throws {
        let test = try await TestLedger()
        let ledger = test.ledger
        let key = ledger.idempotency("k", for: try test.caller(), request: [])
        let first = try await ledger.admit(try test.sandboxOrder(idempotency: key))
        #expect(try await ledger.kill(first.handle.text, by: "ops") != nil)
        let second = try await ledger.admit(try test.sandboxOrder(idempotency: key))
        try await ledger.pauseWork(by: "ops", endsRunning: true)
        try await ledger.resumeWork(by: "ops")
        let third = try await ledger.admit(try test.sandboxOrder(idempotency: key))
        #expect(Set([first.handle, second.handle, third.handle]).count == 3)

        // Whoever makes the others hears of it late, and frees nothing any more.
        await ledger.sandboxNotMade(first.handle, because: "upstream_capacity")
        await #expect(throws: SandboxFailure.idempotencyInProgress) {
            try await ledger.admit(try test.sandboxOrder(idempotency: key))
        }
        _ = try await ledger.sandboxStarted(third.handle, id: "i3", access: .example)
        try await ledger.pauseWork(by: "ops", endsRunning: true)
        try await ledger.resumeWork(by: "ops")
        await #expect(throws: SandboxFailure.state(.ended)) {
            try await ledger.admit(try test.sandboxOrder(idempotency: key))
        }
        #expect(try await test.check().findings == [])
    }

    @Test("What a suspended key made gets no more time, whichever key asks, until it is resumed")
    func made() async throws {
        let test = try await TestLedger()
        let id = test.key.key.id
        let issued = try await test.ledger.issueKey(for: TestLedger.tenant, by: "test")
        let other = try test.caller(key: issued)
        let awake = try await test.sandbox(id: "awake"), asleep = try await test.sandbox(id: "asleep")
        _ = try await test.ledger.pause(asleep.handle, for: other, because: "asked")
        try await test.ledger.suspendKey(id, by: "ops", because: "leaked")

        let refused = SandboxFailure.refused(.makerSuspended("leaked"))
        await #expect(throws: refused) { try await test.ledger.resume(asleep.handle, for: 1_000, by: other) }
        for isExtension in [true, false] {
            await #expect(throws: refused) {
                try await test.ledger.prolong(awake.handle, by: 90_000, isExtension: isExtension, for: other)
            }
        }
        #expect(try await test.audit(.sandboxRefused).first?.entry.reason == "key_suspended")
        let shorter = try await test.ledger.prolong(awake.handle, by: 5_000, isExtension: false, for: other)
        #expect(shorter.endsAt == test.clock.now + .seconds(5))

        try await test.ledger.resumeKey(id, by: "ops")
        _ = try await test.ledger.resume(asleep.handle, for: 1_000, by: other)
        _ = try await test.ledger.prolong(awake.handle, by: 90_000, isExtension: true, for: other)
        #expect(try await test.check().findings == [])
    }

    @Test("A retiring key is retiring again when it is resumed, and a revoked one stays revoked")
    func states() async throws {
        let test = try await TestLedger()
        let id = test.key.key.id
        _ = try await test.ledger.rotateKey(id, overlap: .seconds(60), by: "test")
        #expect(try await test.ledger.suspendKey(id, by: "test").state == .suspended)
        #expect(
            try await test.ledger.resumeKey(id, by: "test").state == .retiring(until: test.clock.now + .seconds(60)))
        try await test.ledger.suspendKey(id, by: "test")
        #expect(try await test.ledger.revokeKey(id, by: "test").state == .revoked)
        let failure = LedgerFailure.keyRevoked("\(id)")
        await #expect(throws: failure) { try await test.ledger.resumeKey(id, by: "test") }
        await #expect(throws: failure) { try await test.ledger.suspendKey(id, by: "test") }
        let ghost = KeyID.random()
        await #expect(throws: LedgerFailure.noSuchKey("\(ghost)")) {
            try await test.ledger.suspendKey(ghost, by: "test")
        }
    }
}

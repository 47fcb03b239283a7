import Auth
import Foundation
import Quota
import Testing

@testable import Ledger

/// What a tenant's own sandbox costs, from its admission to its end.
struct SandboxLifeTests {
    private func limited(_ change: (inout Policy) -> Void) -> Policy {
        var policy = Policy.unlimited
        change(&policy)
        return policy
    }

    @Test("Its time is reserved at admission, charged from its start, and returned at its end")
    func life() async throws {
        let test = try await TestLedger()
        let admitted = try await test.ledger.admit(try test.sandboxOrder(60_000))
        #expect(admitted.state == .creating && admitted.endsAt == test.clock.now + .seconds(60))
        #expect(test.ledger.runningSandbox("i1") == nil)
        var usage = try await test.usage()
        #expect(usage.sandboxes == 1 && usage.executions == 0)
        #expect(usage.windows.allSatisfy { $0.reservedMilliseconds == 60_000 && $0.usedMilliseconds == 0 })

        test.clock.advance(by: .seconds(2))
        let started = try await test.ledger.sandboxStarted(admitted.handle, id: "i1", access: .example)
        #expect(started.state == .running && started.endsAt == test.clock.now + .seconds(60))
        #expect(test.ledger.runningSandbox("i1")?.handle == admitted.handle)

        test.clock.advance(by: .milliseconds(1_500))
        let ended = try await test.ledger.endSandbox(started.handle, for: try test.caller(), because: SandboxEnd.killed)
        #expect(ended.state == .ended && ended.access == nil && test.ledger.runningSandbox("i1") == nil)
        usage = try await test.usage()
        #expect(usage.sandboxes == 0 && usage.isIdle)
        #expect(usage.windows.allSatisfy { $0.usedMilliseconds == 1_500 })
        let charged = try await test.charged()
        #expect(charged.sandboxes == 1 && charged.executions == 0 && charged.chargedMilliseconds == 1_500)
        #expect(try await test.ledger.sandboxesToDestroy() == ["i1"])
        await test.ledger.sandboxDestroyed("i1")
        #expect(try await test.ledger.sandboxesToDestroy() == [])
        #expect(
            try await test.audit().map(\.entry.action).suffix(3) == [.sandboxAdmitted, .sandboxStarted, .sandboxEnded])
        #expect(try await test.check().findings == [])
    }

    @Test("One that was not made costs nothing")
    func notMade() async throws {
        let test = try await TestLedger()
        let admitted = try await test.ledger.admit(try test.sandboxOrder())
        test.clock.advance(by: .seconds(3))
        await test.ledger.sandboxNotMade(admitted.handle, because: "upstream_unreachable")
        #expect(try await test.usage().isIdle)
        #expect(try await test.charged().chargedMilliseconds == 0)
        await #expect(throws: SandboxFailure.endedInTheMaking("upstream_unreachable")) {
            try await test.ledger.sandboxStarted(admitted.handle, id: "i1", access: .example)
        }
        #expect(try await test.ledger.sandboxesToDestroy() == [])
        #expect(try await test.check().findings == [])
    }

    @Test("As many live at once as the policy allows; paused ones do not count")
    func count() async throws {
        let test = try await TestLedger(policy: limited { $0.sandboxes = 1 })
        let first = try await test.sandbox()
        await #expect(throws: SandboxFailure.refused(.denied(.sandboxes(limit: 1, live: 1)))) {
            try await test.ledger.admit(try test.sandboxOrder())
        }
        _ = try await test.ledger.pause(first.handle, for: try test.caller(), because: "asked")
        let second = try await test.sandbox(id: "i2")
        await #expect(throws: SandboxFailure.refused(.denied(.sandboxes(limit: 1, live: 1)))) {
            try await test.ledger.resume(first.handle, for: 1_000, by: try test.caller())
        }
        try await test.ledger.endSandbox(second.handle, for: try test.caller(), because: SandboxEnd.killed)
        #expect(try await test.ledger.resume(first.handle, for: 1_000, by: try test.caller()).state == .running)
        let refusals = try await test.audit(.sandboxRefused).map(\.entry.reason)
        #expect(refusals == ["sandboxes", "sandboxes"])
    }

    @Test("A sandbox of a day under an hourly limit reserves in each hour its own part")
    func day() async throws {
        let test = try await TestLedger(policy: limited { $0.runtime = [.hour: 3_600_000] })
        let sandbox = try await test.sandbox(86_400_000)
        #expect(sandbox.endsAt == test.clock.now + .seconds(86_400))
        await #expect(throws: SandboxFailure.self) { try await test.ledger.admit(try test.sandboxOrder(1_000)) }
        test.clock.advance(by: .seconds(7_200))
        try await test.ledger.endSandbox(sandbox.handle, for: nil, because: SandboxEnd.killed)
        #expect(try await test.charged().chargedMilliseconds == 7_200_000)
        #expect(try await test.ledger.admit(try test.sandboxOrder(3_600_000)).state == .creating)
    }

    @Test("What is left lowers its time; nothing left refuses")
    func lowered() async throws {
        let test = try await TestLedger(policy: limited { $0.runtime = [.day: 10_000] })
        let sandbox = try await test.sandbox(60_000)
        #expect(sandbox.endsAt == test.clock.now + .seconds(10) && sandbox.wasLowered)
        await #expect(throws: SandboxFailure.self) { try await test.ledger.admit(try test.sandboxOrder()) }
    }

    // MARK: Prolonging

    @Test("A prolongation settles what was used and admits the rest; shortening gives back")
    func prolong() async throws {
        let test = try await TestLedger(policy: limited { $0.runtime = [.day: 100_000] })
        let sandbox = try await test.sandbox(60_000)
        test.clock.advance(by: .seconds(10))
        var changed = try await test.ledger.prolong(
            sandbox.handle, by: 30_000, isExtension: true, for: try test.caller())
        #expect(changed.endsAt == sandbox.endsAt, "an extension never shortens")
        changed = try await test.ledger.prolong(sandbox.handle, by: 80_000, isExtension: true, for: try test.caller())
        #expect(changed.endsAt == test.clock.now + .seconds(80))
        let window = try #require(try await test.usage().windows.first { $0.window == .day })
        #expect(window.usedMilliseconds == 10_000 && window.reservedMilliseconds == 80_000)

        test.clock.advance(by: .seconds(5))
        changed = try await test.ledger.prolong(sandbox.handle, by: 500_000, isExtension: false, for: try test.caller())
        #expect(changed.endsAt == test.clock.now + .seconds(85), "85 s are left of the day's 100")
        changed = try await test.ledger.prolong(sandbox.handle, by: 1_000, isExtension: false, for: try test.caller())
        #expect(changed.endsAt == test.clock.now + .seconds(1))
        let after = try #require(try await test.usage().windows.first { $0.window == .day })
        #expect(after.usedMilliseconds == 15_000 && after.reservedMilliseconds == 1_000)
        #expect(try await test.charged().sandboxes == 1, "counted once, however often it is prolonged")
        #expect(try await test.check().findings == [])
    }

    @Test("Where nothing is left a prolongation is refused, and the sandbox keeps its end")
    func exhausted() async throws {
        let test = try await TestLedger(policy: limited { $0.runtime = [.hour: 10_000] })
        let sandbox = try await test.sandbox(10_000)
        let kept = try await test.ledger.prolong(
            sandbox.handle, by: 20_000, isExtension: true, for: try test.caller())
        #expect(kept.endsAt == sandbox.endsAt, "as much as it has is no prolongation")
        var policy = Policy.unlimited
        policy.runtime = [.hour: 1]
        try await test.ledger.setPolicy(policy, of: TestLedger.tenant, by: "test")
        test.clock.advance(by: .seconds(1))
        await #expect(throws: SandboxFailure.self) {
            try await test.ledger.prolong(sandbox.handle, by: 20_000, isExtension: true, for: try test.caller())
        }
        #expect(test.ledger.runningSandbox("i1")?.endsAt == sandbox.endsAt, "a lowered limit strands nothing")
        let shorter = try await test.ledger.prolong(
            sandbox.handle, by: 2_000, isExtension: false, for: try test.caller())
        #expect(shorter.endsAt == test.clock.now + .seconds(2), "giving back is always possible")
        #expect(try await test.check().findings == [])
    }

    @Test("Credits carry what windows have no room for, over prolongations")
    func credits() async throws {
        let test = try await TestLedger(policy: limited { $0.runtime = [.day: 5_000] })
        _ = try await test.ledger.grantCredit(
            20_000, to: TestLedger.tenant, until: test.clock.now + .seconds(3_600), by: "test")
        let sandbox = try await test.sandbox(10_000)
        test.clock.advance(by: .seconds(6))
        let changed = try await test.ledger.prolong(
            sandbox.handle, by: 60_000, isExtension: true, for: try test.caller())
        #expect(changed.endsAt == test.clock.now + .seconds(19))
        test.clock.advance(by: .seconds(2))
        try await test.ledger.endSandbox(sandbox.handle, for: nil, because: SandboxEnd.killed)
        let charged = try await test.charged()
        #expect(charged.chargedMilliseconds == 8_000 && charged.creditMilliseconds == 3_000)
        #expect(try await test.check().findings == [])
    }

    @Test("Neither a day nor the token's own end is lived beyond, however it is prolonged")
    func latestEnd() async throws {
        let test = try await TestLedger()
        let untilNoon = Caveat.notAfter(test.clock.now.seconds + 99)
        let narrow = try test.caller(untilNoon, .maximumTimeout(milliseconds: 3_600_000))
        let sandbox = try await test.sandbox(86_400_000, by: narrow)
        #expect(sandbox.endsAt == test.clock.now + .seconds(100), "the last valid second is valid to its end")
        let same = try await test.ledger.prolong(
            sandbox.handle, by: 86_400_000, isExtension: false, for: try test.caller())
        #expect(same.endsAt == sandbox.endsAt)
        let short = try await test.sandbox(
            86_400_000, id: "i2", by: try test.caller(.maximumTimeout(milliseconds: 5_000)))
        #expect(short.endsAt == test.clock.now + .seconds(5))
        test.clock.advance(by: .seconds(3))
        let later = try await test.ledger.prolong(short.handle, by: 60_000, isExtension: true, for: try test.caller())
        #expect(later.endsAt == short.endsAt)
    }

    @Test("Whoever asks has it live no longer than their own token says, and shortening stays possible")
    func askersEnd() async throws {
        let test = try await TestLedger()
        let sandbox = try await test.sandbox(60_000)
        let brief = try test.caller(.maximumTimeout(milliseconds: 5_000))
        var changed = try await test.ledger.prolong(sandbox.handle, by: 86_400_000, isExtension: true, for: brief)
        #expect(changed.endsAt == sandbox.endsAt)
        changed = try await test.ledger.prolong(sandbox.handle, by: 2_000, isExtension: false, for: brief)
        #expect(changed.endsAt == test.clock.now + .seconds(2))
    }

    @Test("Ends that no calendar has are an end like any other", arguments: [Int64.max, Int64.max - 1])
    func farEnd(notAfter: Int64) async throws {
        let test = try await TestLedger()
        let far = try test.caller(.notAfter(notAfter), .maximumTimeout(milliseconds: .max))
        let sandbox = try await test.sandbox(86_400_000, by: far)
        #expect(sandbox.endsAt == test.clock.now + .seconds(86_400))
        let changed = try await test.ledger.prolong(sandbox.handle, by: 1_000, isExtension: false, for: far)
        #expect(changed.endsAt == test.clock.now + .seconds(1))
        #expect(try await test.ledger.endOverdueSandboxes().isEmpty)
    }

    // MARK: The end

    @Test("When its time is over it is ended and charged its ceiling, not the gateway's delay; or it is put to sleep")
    func expiry() async throws {
        let test = try await TestLedger()
        let killed = try await test.sandbox(5_000)
        let slept = try await test.sandbox(5_000, id: "i2", expiry: .pause)
        #expect(try await test.ledger.endOverdueSandboxes().isEmpty)
        test.clock.advance(by: .seconds(7))
        let over = try await test.ledger.endOverdueSandboxes()
        #expect(Set(over.map(\.state)) == [.ended, .paused] && over.count == 2)
        #expect(test.ledger.sandbox(killed.handle) == nil && test.ledger.sandbox(slept.handle)?.state == .paused)
        #expect(try await test.charged().chargedMilliseconds == 10_000)
        #expect(try await test.ledger.sandboxesToDestroy() == ["i1"])
        #expect(try await test.check().findings == [])
    }

    @Test("It ends with its key, and with its token, asleep or awake")
    func credentials() async throws {
        let test = try await TestLedger()
        let key = try await test.ledger.issueKey(for: TestLedger.tenant, by: "test")
        let ofKey = try await test.sandbox(by: try test.caller(key: key))
        let ofToken = try await test.sandbox(
            id: "i2", by: try test.caller(.notAfter(test.clock.now.seconds + 10)), expiry: .pause)
        let other = try await test.sandbox(id: "i3")
        _ = try await test.ledger.pause(ofToken.handle, for: nil, because: "asked")
        try await test.ledger.revokeKey(key.key.id, by: "test")
        #expect(try await test.ledger.endOverdueSandboxes().map(\.handle) == [ofKey.handle])
        test.clock.advance(by: .seconds(11))
        #expect(try await test.ledger.endOverdueSandboxes().map(\.handle) == [ofToken.handle])
        #expect(test.ledger.runningSandboxes().map(\.handle) == [other.handle])
        let reasons = try await test.audit(.sandboxEnded).map(\.entry.reason)
        #expect(reasons == [SandboxEnd.keyRevoked, SandboxEnd.tokenExpired])
    }

    @Test("What runs lives on over a restart and is charged once; what was being made is settled", .ofAFile)
    func restart() async throws {
        let test = try await TestLedger()
        let sandbox = try await test.sandbox(60_000)
        let halfMade = try await test.ledger.admit(try test.sandboxOrder(60_000))
        test.clock.advance(by: .seconds(3))
        let copy = try KilledCopy(of: test)
        let ledger = try Ledger.open(at: copy.path, rootKey: test.rootKey, clock: test.clock.source)
        _ = try await ledger.recover()
        let kept = try #require(ledger.runningSandbox("i1"))
        #expect(kept.handle == sandbox.handle && kept.endsAt == sandbox.endsAt && kept.access == .example)
        #expect(kept.claims == sandbox.claims && ledger.token(.envd, of: kept) == test.ledger.token(.envd, of: sandbox))
        #expect(ledger.sandbox(halfMade.handle) == nil)
        #expect(
            try await ledger.endedSandboxes(among: [halfMade.handle.text, sandbox.handle.text]) == [
                halfMade.handle.text
            ])
        #expect(try await test.charged(in: ledger).chargedMilliseconds == 3_000, "as long as it may have been there")
        test.clock.advance(by: .seconds(4))
        try await ledger.endSandbox(kept.handle, for: nil, because: SandboxEnd.killed)
        #expect(try await test.charged(in: ledger).chargedMilliseconds == 10_000)
        #expect(try LedgerCheck.run(at: copy.path).findings == [])
    }

    @Test("Those that ended long ago are forgotten, once they are destroyed")
    func retention() async throws {
        let test = try await TestLedger()
        for id in ["i1", "i2"] {
            let sandbox = try await test.sandbox(id: id)
            try await test.ledger.endSandbox(sandbox.handle, for: nil, because: SandboxEnd.killed)
        }
        await test.ledger.sandboxDestroyed("i1")
        test.clock.advance(by: Retention.standard.executions + .seconds(1))
        try await test.ledger.forgetOldExecutions()
        #expect(try await test.ledger.sandboxesToDestroy() == ["i2"])
        let left = try await test.ledger.read { try $0.value(Int.self, "SELECT count(*) FROM owned_sandbox") }
        #expect(left == 1)
        #expect(try await test.check().findings == [])
    }
}

import Auth
import Foundation
import Quota
import Testing

@testable import Ledger

/// Who reaches a sandbox, and with what.
struct SandboxAccessTests {
    @Test("A tenant's sandboxes are nobody else's, and a subject's no other subject's")
    func reach() async throws {
        let test = try await TestLedger()
        try await test.ledger.createTenant("other", policy: .unlimited, by: "test")
        let theirs = try await test.ledger.issueKey(for: "other", by: "test")
        let stranger = SandboxCaller(
            tenant: "other", claims: try test.ledger.authenticate(theirs.token).claims, requestID: "r",
            sourceAddress: "127.0.0.1")
        let ann = try test.caller(.subject("ann")), bob = try test.caller(.subject("bob")), all = try test.caller()
        let sandbox = try await test.sandbox(by: ann)
        for (caller, reaches) in [(ann, true), (all, true), (bob, false), (stranger, false)] {
            #expect((test.ledger.sandbox("i1", for: caller) != nil) == reaches)
            #expect(test.ledger.sandboxes(for: caller).count == (reaches ? 1 : 0))
            guard !reaches else { continue }
            await #expect(throws: SandboxFailure.unknown) {
                try await test.ledger.prolong(sandbox.handle, by: 1_000, isExtension: false, for: caller)
            }
            await #expect(throws: SandboxFailure.unknown) {
                try await test.ledger.pause(sandbox.handle, for: caller, because: "asked")
            }
            await #expect(throws: SandboxFailure.unknown) {
                try await test.ledger.resume(sandbox.handle, for: 1_000, by: caller)
            }
            await #expect(throws: SandboxFailure.unknown) {
                try await test.ledger.endSandbox(sandbox.handle, for: caller, because: "killed")
            }
        }
        #expect(test.ledger.runningSandbox("i1") != nil)
    }

    @Test("Tokens are of one kind and one sandbox, 64 hex digits, and nothing upstream knows")
    func tokens() async throws {
        let test = try await TestLedger()
        let first = try await test.sandbox(), second = try await test.sandbox(id: "i2")
        let tokens = [first, second].flatMap { sandbox in
            SandboxTokenKind.allCases.map { test.ledger.token($0, of: sandbox) }
        }
        #expect(Set(tokens).count == 4 && tokens.allSatisfy { $0.wholeMatch(of: /[0-9a-f]{64}/) != nil })
        #expect(test.ledger.token(.envd, of: first) == tokens[0])
        #expect("\(first)\(String(reflecting: first.access))".contains("real-") == false)
    }

    @Test("The real tokens lie sealed, and are gone when the sandbox is")
    func sealed() async throws {
        let test = try await TestLedger()
        let sandbox = try await test.sandbox()
        let stored = try await test.stored()
        #expect(stored.range(of: Data("i1".utf8)) != nil && stored.range(of: Data("real-envd".utf8)) == nil)
        try await test.ledger.rotateRootKey(to: .random(), by: "test")
        #expect(test.ledger.runningSandbox("i1")?.access == .example)
        try await test.ledger.endSandbox(sandbox.handle, for: nil, because: "killed")
        #expect(try await test.check().findings == [])
    }

    @Test("What made it is judged at each call: key, tenant, signed requests, expiry, address")
    func judging() async throws {
        let test = try await TestLedger()
        let network = try #require(SourceNetwork("10.0.0.0/8"))
        let key = try await test.ledger.issueKey(for: TestLedger.tenant, by: "test")
        let caller = try test.caller(
            .sourceNetworks([network]), .notAfter(test.clock.now.seconds + 60), key: key)
        let sandbox = try await test.sandbox(3_000, by: caller)
        #expect(try test.ledger.judge(sandbox, from: "10.1.2.3") == Policy.unlimited)
        #expect(throws: SandboxRefusal.sourceNotAllowed) { try test.ledger.judge(sandbox, from: "11.1.2.3") }

        var signed = Policy.unlimited
        signed.signedOnly = true
        try await test.ledger.setPolicy(signed, of: TestLedger.tenant, by: "test")
        #expect(throws: SandboxRefusal.signedOnly) { try test.ledger.judge(sandbox, from: "10.1.2.3") }
        try await test.ledger.setPolicy(.unlimited, of: TestLedger.tenant, by: "test")
        try await test.ledger.suspendTenant(TestLedger.tenant, by: "test")
        #expect(throws: SandboxRefusal.tenantSuspended) { try test.ledger.judge(sandbox, from: "10.1.2.3") }
        try await test.ledger.resumeTenant(TestLedger.tenant, by: "test")
        test.clock.advance(by: .seconds(61))
        #expect(throws: SandboxRefusal.expired) { try test.ledger.judge(sandbox, from: "10.1.2.3") }
        try await test.ledger.revokeKey(key.key.id, by: "test")
        #expect(throws: SandboxRefusal.keyRevoked) { try test.ledger.judge(sandbox, from: "10.1.2.3") }
    }

    @Test("Signed-only, revoked, suspended and expired: no sandbox is admitted or prolonged")
    func admission() async throws {
        let test = try await TestLedger()
        await #expect(throws: SandboxFailure.refused(.notSigned)) {
            try await test.ledger.admit(try test.sandboxOrder(by: try test.caller(.signedOnly)))
        }
        let brief = try test.caller(.notAfter(test.clock.now.seconds + 1))
        let all = try test.caller()
        let sandbox = try await test.sandbox()
        test.clock.advance(by: .seconds(2))
        await #expect(throws: SandboxFailure.refused(.expired)) {
            try await test.ledger.prolong(sandbox.handle, by: 90_000, isExtension: true, for: brief)
        }
        try await test.ledger.suspendTenant(TestLedger.tenant, by: "test", endsRunning: false)
        await #expect(throws: SandboxFailure.refused(.tenantSuspended(nil))) {
            try await test.ledger.admit(try test.sandboxOrder(by: all))
        }
        #expect(try await test.usage().sandboxes == 1)
    }

    // MARK: Idempotency

    @Test("A key stands for one request of one tenant and one subject")
    func idempotency() async throws {
        let test = try await TestLedger()
        let ledger = test.ledger
        let all = try test.caller(), ann = try test.caller(.subject("ann"))
        let body = Array("{}".utf8)
        let key = ledger.idempotency("k", for: all, request: body)
        #expect(key.key != ledger.idempotency("k", for: ann, request: body).key)
        let first = try await ledger.admit(try test.sandboxOrder(by: all, idempotency: key))
        await #expect(throws: SandboxFailure.idempotencyInProgress) {
            try await ledger.admit(try test.sandboxOrder(by: all, idempotency: key))
        }
        _ = try await ledger.sandboxStarted(first.handle, id: "i1", access: .example)
        #expect(try await ledger.admit(try test.sandboxOrder(by: all, idempotency: key)).handle == first.handle)
        let other = ledger.idempotency("k", for: all, request: Array("{ }".utf8))
        await #expect(throws: SandboxFailure.idempotencyMismatch) {
            try await ledger.admit(try test.sandboxOrder(by: all, idempotency: other))
        }
        #expect(try await test.usage().sandboxes == 1)
        try await ledger.endSandbox(first.handle, for: nil, because: "killed")
        await #expect(throws: SandboxFailure.state(.ended)) {
            try await ledger.admit(try test.sandboxOrder(by: all, idempotency: key))
        }
    }

    @Test("A failure for certain frees the key, one that nobody knows the end of does not")
    func failedIdempotency() async throws {
        let test = try await TestLedger()
        let key = test.ledger.idempotency("k", for: try test.caller(), request: [])
        let failed = try await test.ledger.admit(try test.sandboxOrder(idempotency: key))
        await test.ledger.sandboxNotMade(failed.handle, because: "upstream_capacity")
        let doubtful = try await test.ledger.admit(try test.sandboxOrder(idempotency: key))
        #expect(doubtful.handle != failed.handle)
        await test.ledger.sandboxNotMade(doubtful.handle, because: SandboxEnd.outcomeUnknown)
        await #expect(throws: SandboxFailure.idempotencyOutcomeUnknown) {
            try await test.ledger.admit(try test.sandboxOrder(idempotency: key))
        }
    }
}

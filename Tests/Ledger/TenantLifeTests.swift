import Auth
import Quota
import Testing

@testable import Ledger

/// Tenants are suspended, renamed and deleted, and nothing of one becomes another's.
struct TenantLifeTests {
    /// A call with the test's key as the gateway would make it.
    private func admit(_ test: TestLedger, in ledger: Ledger? = nil) async throws -> Lease {
        try await (ledger ?? test.ledger).admit(test.order(timeout: 10_000))
    }

    @Test("A suspended tenant's callers are told why, and since when is remembered over restarts and further reasons")
    func suspended() async throws {
        let test = try await TestLedger()
        let began = test.clock.now
        try await test.ledger.suspendTenant(TestLedger.tenant, by: "local:root", because: "unpaid bills")
        #expect(throws: AuthenticationFailure.tenantSuspended("unpaid bills")) {
            try test.ledger.authenticate(test.key.token)
        }
        await #expect(throws: AdmissionFailure.tenantSuspended("unpaid bills")) { try await admit(test) }
        test.clock.advance(by: .seconds(5))
        try await test.ledger.suspendTenant(TestLedger.tenant, by: "admin:ops")
        let again = try await test.ledger.suspendTenant(TestLedger.tenant, by: "admin:ops", because: "still unpaid")
        let expected = Suspension(since: began, by: "admin:ops", reason: "still unpaid")
        #expect(again.suspension == expected)
        let ledger = try await test.reopened()
        #expect(try await ledger.tenant(TestLedger.tenant).suspension == expected)
        try await ledger.resumeTenant(TestLedger.tenant, by: "test")
        _ = try ledger.authenticate(test.key.token)
        try await ledger.resumeTenant(TestLedger.tenant, by: "test")
        let records = try await ledger.auditRecords(AuditQuery(action: .tenantResumed))
        #expect(records.map(\.entry.beforeDocument) == [#"{"reason":"still unpaid","suspended":true}"#])
        await ledger.close()
    }

    @Test(
        "A reason is short and plain",
        arguments: ["", "  ", "a\nb", "\u{1b}[31m", String(repeating: "ä", count: 126)])
    func reasons(reason: String) async throws {
        let ledger = try await TestLedger().ledger
        let tenant = TestLedger.tenant
        await #expect(throws: LedgerFailure.invalidReason) {
            try await ledger.suspendTenant(tenant, by: "test", because: reason)
        }
        await #expect(throws: LedgerFailure.invalidReason) { try await ledger.pauseWork(by: "test", because: reason) }
        #expect(ledger.pause == nil)
    }

    @Test("Suspending ends what runs, unless what runs may finish; what sleeps sleeps on", arguments: [true, false])
    func endsRunning(endsRunning: Bool) async throws {
        let test = try await TestLedger()
        let caller = try test.caller()
        let lease = try await admit(test)
        let awake = try await test.sandbox(id: "awake"), asleep = try await test.sandbox(id: "asleep")
        _ = try await test.ledger.pause(asleep.handle, for: caller, because: "asked")
        let making = try await test.ledger.admit(try test.sandboxOrder())
        test.clock.advance(by: .seconds(2))
        try await test.ledger.suspendTenant(TestLedger.tenant, by: "test", endsRunning: endsRunning)

        var news = test.ledger.news.makeAsyncIterator()
        #expect(await news.next() == .tenantShutOut(TestLedger.tenant))
        #expect(throws: SandboxRefusal.tenantSuspended) { try test.ledger.judge(awake, from: "127.0.0.1") }
        #expect((test.ledger.sandbox(awake.handle) == nil) == endsRunning)
        #expect((test.ledger.sandbox(making.handle) == nil) == endsRunning)
        #expect(test.ledger.sandbox(asleep.handle)?.state == .paused)
        if endsRunning {
            #expect(await news.next() == .sandboxesEnded(["awake"]))
            #expect(await news.next() == .stopAsked(lease.executionID, because: .tenantSuspended))
            #expect(try await test.ledger.sandboxesToDestroy() == ["awake"])
            let ends = try await test.audit(.sandboxEnded).map(\.entry.reason)
            #expect(ends == ["tenant_suspended", "tenant_suspended"])
            await #expect(throws: SandboxFailure.endedInTheMaking("tenant_suspended")) {
                try await test.ledger.sandboxStarted(making.handle, id: "late", access: .example)
            }
        }
        // Whoever runs it settles it as ever.
        _ = try await test.ledger.settle(lease, with: .completed(held: 2_000))
        #expect(try await test.usage().executions == 0)
        #expect(try await test.check().findings == [])
    }

    @Test("Renamed, a tenant keeps its keys, its sandboxes' tokens, its usage, its idempotency keys and what it runs")
    func renamed() async throws {
        let test = try await TestLedger()
        let caller = try test.caller()
        let lease = try await admit(test)
        let sandbox = try await test.sandbox()
        let token = test.ledger.token(.envd, of: sandbox)
        let answered = try await test.finished(under: "k", leaving: .state(.tooLarge))
        let renamed = try await test.ledger.renameTenant(TestLedger.tenant, to: "research", by: "admin:ops")
        #expect(renamed.name == "research" && renamed.handle == TestLedger.tenant)
        #expect(renamed.formerNames == [TestLedger.tenant])

        var ledger = test.ledger
        for isReopened in [false, true] {
            if isReopened { ledger = try await test.reopened() }
            let caught = try ledger.authenticate(test.key.token)
            #expect(caught.tenant == TestLedger.tenant && caught.tenantName == "research")
            #expect(try await ledger.keys(of: "research").map(\.tenantName) == ["research"])
            await #expect(throws: LedgerFailure.noSuchTenant(TestLedger.tenant)) {
                try await ledger.tenant(TestLedger.tenant)
            }
            #expect(ledger.tenantName(TestLedger.tenant) == "research")
            let running = try #require(ledger.runningSandbox(sandbox.id))
            #expect(ledger.token(.envd, of: running) == token)
            _ = try await ledger.prolong(sandbox.handle, by: 90_000, isExtension: true, for: caller)
            guard case .repeated(.finished(let record, _)) = try await test.order(under: "k", in: ledger) else {
                Issue.record("the key is forgotten")
                continue
            }
            #expect(record.id == answered.executionID.text)
            #expect(try await ledger.usageReport(of: "research").usage.sandboxes == 1)
            if !isReopened { _ = try await ledger.settle(lease, with: .completed(held: 3_000)) }
            let days = test.clock.now...test.clock.now
            let rows = try await ledger.consumption(ConsumptionQuery(tenant: "research", days: days))
            #expect(rows.map(\.tenant) == ["research"] && rows.first?.consumption.executions == 2)
        }
        await ledger.close()
        #expect(try await test.check().findings == [])
    }

    @Test("The audit log finds a renamed tenant under both names, and each record says the name of its time")
    func auditOfRenamed() async throws {
        let test = try await TestLedger()
        _ = try await admit(test)
        try await test.ledger.renameTenant(TestLedger.tenant, to: "research", by: "admin:ops")
        _ = try await admit(test)
        for name in [TestLedger.tenant, "research"] {
            let records = try await test.ledger.auditRecords(AuditQuery(tenant: name))
            #expect(
                records.map { "\($0.entry.action.rawValue) \($0.entry.tenant ?? "-")" } == [
                    "tenant.created acme", "key.issued acme", "execution.admitted acme", "tenant.renamed research",
                    "execution.admitted research",
                ])
            let renaming = try #require(records.first { $0.entry.action == .tenantRenamed })
            #expect(renaming.entry.beforeDocument == #"{"name":"acme"}"#)
            #expect(renaming.entry.afterDocument == #"{"name":"research"}"#)
            #expect(renaming.entry.actor == "admin:ops")
        }
    }

    @Test("A name is one tenant's at a time, and one of the right form")
    func names() async throws {
        let test = try await TestLedger()
        try await test.ledger.createTenant("beta", by: "test")
        await #expect(throws: LedgerFailure.tenantExists("beta")) {
            try await test.ledger.renameTenant(TestLedger.tenant, to: "beta", by: "test")
        }
        await #expect(throws: LedgerFailure.invalidTenantName) {
            try await test.ledger.renameTenant(TestLedger.tenant, to: "acme~2", by: "test")
        }
        try await test.ledger.renameTenant(TestLedger.tenant, to: TestLedger.tenant, by: "test")
        #expect(try await test.audit(.tenantRenamed).isEmpty, "nothing was changed")
        try await test.ledger.renameTenant(TestLedger.tenant, to: "gamma", by: "test")
        try await test.ledger.renameTenant("beta", to: TestLedger.tenant, by: "test")
        try await test.ledger.renameTenant(TestLedger.tenant, to: "delta", by: "test")
        let back = try await test.ledger.renameTenant("gamma", to: TestLedger.tenant, by: "test")
        #expect(back.formerNames == ["gamma"])
        #expect(try await test.ledger.tenants().map(\.name) == ["acme", "delta"])
        #expect(try test.ledger.authenticate(test.key.token).tenantName == "acme")
        #expect(try await test.check().findings == [])
    }

    @Test("A change is made whole or not at all")
    func changedAtOnce() async throws {
        let test = try await TestLedger()
        try await test.ledger.createTenant("beta", by: "test")
        let change = TenantChange(name: "beta", standing: .suspended(because: nil, endsRunning: true))
        await #expect(throws: LedgerFailure.tenantExists("beta")) {
            try await test.ledger.changeTenant(TestLedger.tenant, change, by: "test")
        }
        #expect(try await test.ledger.tenant(TestLedger.tenant).isSuspended == false)
        let other = TenantChange(name: "gamma", standing: .suspended(because: nil, endsRunning: true))
        #expect(try await test.ledger.changeTenant(TestLedger.tenant, other, by: "test").isSuspended)
        #expect(try await test.ledger.tenant("gamma").isSuspended)
    }

    @Test("Deleted, a tenant is nobody's: its keys open nothing, all it had is ended, its past is readable")
    func deleted() async throws {
        let test = try await TestLedger()
        let caller = try test.caller()
        let second = try await test.ledger.issueKey(for: TestLedger.tenant, by: "test")
        _ = try await test.ledger.rotateKey(second.key.id, overlap: .seconds(60), by: "test")
        let lease = try await admit(test)
        let awake = try await test.sandbox(id: "awake"), asleep = try await test.sandbox(id: "asleep")
        _ = try await test.ledger.pause(asleep.handle, for: caller, because: "asked")
        let deleted = try await test.ledger.deleteTenant(TestLedger.tenant, by: "admin:ops")
        #expect(deleted.deletedAt == test.clock.now)

        _ = try await test.ledger.settle(lease, with: .completed(held: 4_000))
        var ledger = test.ledger
        for isReopened in [false, true] {
            if isReopened { ledger = try await test.reopened() }
            for token in [test.key.token, second.token] {
                #expect(throws: AuthenticationFailure.revokedKey) { try ledger.authenticate(token) }
            }
            await #expect(throws: AdmissionFailure.keyRevoked) { try await admit(test, in: ledger) }
            #expect(ledger.sandbox(awake.handle) == nil && ledger.sandbox(asleep.handle) == nil)
            #expect(try await ledger.sandboxesToDestroy() == ["asleep", "awake"])
            await #expect(throws: LedgerFailure.noSuchTenant(TestLedger.tenant)) {
                try await ledger.usageReport(of: TestLedger.tenant)
            }
            #expect(try await ledger.tenants().isEmpty)
            await #expect(throws: LedgerFailure.noSuchTenant(TestLedger.tenant)) {
                try await ledger.deleteTenant(TestLedger.tenant, by: "test")
            }
            let days = test.clock.now...test.clock.now
            let rows = try await ledger.consumption(ConsumptionQuery(tenant: TestLedger.tenant, days: days))
            #expect(rows.map(\.deletedAt) == [test.clock.now])
            #expect(rows.map(\.consumption.executions) == [1] && rows[0].consumption.chargedMilliseconds == 4_000)
            let records = try await ledger.auditRecords(AuditQuery(tenant: TestLedger.tenant))
            #expect(records.contains { $0.entry.action == .tenantDeleted && $0.entry.actor == "admin:ops" })
            #expect(records.count { $0.entry.action == .keyRevoked && $0.entry.reason == "tenant_deleted" } == 3)
        }
        await ledger.close()
        #expect(try await test.check().findings == [])
    }

    @Test("A name that is free again is another tenant's, who has nothing of the first")
    func nameUsedAgain() async throws {
        let test = try await TestLedger()
        let lease = try await test.lease(under: "k")
        _ = try await test.ledger.settle(lease, with: .completed(held: 9_000), leaving: .state(.tooLarge))
        let old = try await test.sandbox()
        let token = test.ledger.token(.envd, of: old)
        _ = try await test.ledger.grantCredit(
            60_000, to: TestLedger.tenant, until: test.clock.now + .seconds(3_600), by: "test")
        try await test.ledger.deleteTenant(TestLedger.tenant, by: "test")

        let heir = try await test.ledger.createTenant(TestLedger.tenant, policy: .unlimited, by: "test")
        #expect(heir.name == TestLedger.tenant && heir.handle == "acme~2")
        let key = try await test.ledger.issueKey(for: TestLedger.tenant, by: "test")
        let who = try test.ledger.authenticate(key.token)
        #expect(who.tenant == heir.handle && who.tenantName == TestLedger.tenant)
        let usage = try await test.ledger.usageReport(of: TestLedger.tenant).usage
        #expect(usage.windows.allSatisfy { $0.usedMilliseconds == 0 } && usage.credits.isEmpty)
        let caller = SandboxCaller(
            tenant: who.tenant, claims: who.claims, requestID: "req-1", sourceAddress: "127.0.0.1")
        let order = SandboxAdmissionOrder(
            handle: .random(), caller: caller, template: "base", timeoutMilliseconds: 60_000)
        let admitted = try await test.ledger.admit(order)
        // Upstream would never give the same id again; if it did, the tokens would differ.
        let sandbox = try await test.ledger.sandboxStarted(admitted.handle, id: "i2", access: .example)
        let namesake = OwnedSandbox(sandbox, called: old.id)
        #expect(test.ledger.token(.envd, of: namesake) != token)
        #expect(try await test.ledger.execution(lease.executionID.text, of: who.tenant) == nil)
        #expect(
            try await test.ledger.auditRecords(AuditQuery(tenantHandle: heir.handle, action: .tenantDeleted)).isEmpty)
        let all = try await test.ledger.auditRecords(AuditQuery(tenant: TestLedger.tenant)).map(\.entry.action)
        #expect(all.count { $0 == .tenantCreated } == 2 && all.contains(.tenantDeleted))

        let days = test.clock.now...test.clock.now
        let rows = try await test.ledger.consumption(ConsumptionQuery(tenant: TestLedger.tenant, days: days))
        #expect(rows.map(\.consumption.executions) == [1] && rows[0].deletedAt != nil)
        try await test.ledger.deleteTenant(TestLedger.tenant, by: "test")
        #expect(try await test.ledger.createTenant(TestLedger.tenant, by: "test").handle == "acme~3")
        #expect(try await test.check().findings == [])
    }

    @Test("What another limit would have done to a tenant's past is asked of its own past alone")
    func simulation() async throws {
        let test = try await TestLedger(policy: .none)
        await #expect(throws: AdmissionFailure.self) { try await admit(test) }
        try await test.ledger.renameTenant(TestLedger.tenant, to: "beta", by: "test")
        try await test.ledger.createTenant(TestLedger.tenant, by: "test")
        let since = test.clock.now - .seconds(60)
        for (name, refused) in [("beta", 1), (TestLedger.tenant, 0)] {
            let report = try await test.ledger.simulate(name, since: since) { policy throws(PolicyFailure) in policy }
            #expect(report.refusedThen == refused, "\(name)")
        }
    }
}

extension OwnedSandbox {
    /// The same with another id upstream.
    fileprivate init(_ sandbox: OwnedSandbox, called id: String) {
        self = sandbox
        self.id = id
    }
}

extension Policy {
    /// Nothing may run.
    fileprivate static var none: Policy {
        var policy = Policy.standard
        policy.executions = 0
        return policy
    }
}

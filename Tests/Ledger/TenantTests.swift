import Auth
import Ledger
import Quota
import Testing

struct TenantTests {
    @Test(
        "Names have one form",
        arguments: [
            ("a", true), ("acme", true), ("acme-2", true), ("0", true), ("a-", true),
            (String(repeating: "a", count: 63), true), (String(repeating: "a", count: 64), false), ("", false),
            ("-a", false), ("Acme", false), ("a_b", false), ("a b", false), ("ä", false), ("a\n", false),
            ("a\0", false),
        ])
    func names(name: String, isValid: Bool) async throws {
        let test = try await TestLedger()
        if isValid, name != TestLedger.tenant {
            #expect(try await test.ledger.createTenant(name, by: "test").name == name)
        } else {
            await #expect(throws: LedgerFailure.self) { try await test.ledger.createTenant(name, by: "test") }
        }
    }

    @Test("A tenant is made once, with limits, and on record")
    func create() async throws {
        let test = try await TestLedger()
        let tenant = try await test.ledger.createTenant("beta", by: "local:root")
        #expect(tenant.createdAt == test.clock.now && !tenant.isSuspended)
        #expect(try await test.ledger.policy(of: "beta") == .standard)
        #expect(try await test.ledger.tenants().map(\.name) == ["acme", "beta"])
        await #expect(throws: LedgerFailure.tenantExists("beta")) {
            try await test.ledger.createTenant("beta", by: "test")
        }
        let record = try #require(try await test.audit(.tenantCreated).last)
        #expect(record.entry.actor == "local:root" && record.entry.tenant == "beta")
        #expect(record.entry.afterDocument?.contains("\"executions\":5") == true)
    }

    @Test("Whoever does not exist cannot be asked for")
    func unknown() async throws {
        let ledger = try await TestLedger().ledger
        let failure = LedgerFailure.noSuchTenant("ghost")
        await #expect(throws: failure) { try await ledger.tenant("ghost") }
        await #expect(throws: failure) { try await ledger.policy(of: "ghost") }
        await #expect(throws: failure) { try await ledger.setPolicy(.standard, of: "ghost", by: "test") }
        await #expect(throws: failure) { try await ledger.suspendTenant("ghost", by: "test") }
        await #expect(throws: failure) { try await ledger.issueKey(for: "ghost", by: "test") }
        await #expect(throws: failure) { try await ledger.keys(of: "ghost") }
        await #expect(throws: failure) { try await ledger.usageReport(of: "ghost") }
        let id = KeyID.random()
        await #expect(throws: LedgerFailure.noSuchKey("\(id)")) { try await ledger.revokeKey(id, by: "test") }
    }

    @Test("A policy takes effect at once, survives, and is on record with what it replaced")
    func setPolicy() async throws {
        let test = try await TestLedger()
        var policy = Policy.standard
        policy.executions = 0
        try await test.ledger.setPolicy(policy, of: TestLedger.tenant, by: "local:root")
        #expect(try test.ledger.authenticate(test.key.token).policy == policy)
        await #expect(throws: AdmissionFailure.denied(.executions(limit: 0, running: 0))) {
            try await test.ledger.admit(test.order())
        }
        let record = try #require(try await test.audit(.policySet).last)
        #expect(record.entry.beforeDocument?.contains("\"executions\":10000") == true)
        #expect(record.entry.afterDocument?.contains("\"executions\":0") == true)
        policy.timeoutMilliseconds = 0
        await #expect(throws: LedgerFailure.self) {
            try await test.ledger.setPolicy(policy, of: TestLedger.tenant, by: "test")
        }
        #expect(try await test.reopened().policy(of: TestLedger.tenant).executions == 0)
    }

    @Test("A policy set while executions run strands none of them")
    func loweredWhileRunning() async throws {
        let test = try await TestLedger()
        let lease = try await test.ledger.admit(test.order(timeout: 5_000))
        var policy = Policy.standard
        policy.runtime = [.hour: 100]
        try await test.ledger.setPolicy(policy, of: TestLedger.tenant, by: "test")
        let settled = try await test.ledger.settle(lease, with: .completed(held: 3_000))
        #expect(settled.chargedMilliseconds == 3_000)
        #expect(settled.remaining.map(\.remainingMilliseconds) == [0])
    }

    @Test("A tenant that is shut out gets nothing until it is let in")
    func disable() async throws {
        let test = try await TestLedger()
        let lease = try await test.ledger.admit(test.order())
        try await test.ledger.suspendTenant(TestLedger.tenant, by: "test")
        #expect(try await test.ledger.tenant(TestLedger.tenant).isSuspended)
        #expect(throws: AuthenticationFailure.tenantSuspended(nil)) { try test.ledger.authenticate(test.key.token) }
        await #expect(throws: AdmissionFailure.tenantSuspended(nil)) { try await test.ledger.admit(test.order()) }
        _ = try await test.ledger.settle(lease, with: .completed(held: 1))
        try await test.ledger.resumeTenant(TestLedger.tenant, by: "test")
        _ = try test.ledger.authenticate(test.key.token)
        _ = try await test.ledger.admit(test.order())
        let records = try await test.audit(.tenantSuspended) + test.audit(.tenantResumed)
        #expect(
            records.map(\.entry.afterDocument)
                == [#"{"end_running":true,"suspended":true}"#, #"{"suspended":false}"#])
        #expect(records.map(\.entry.beforeDocument) == [#"{"suspended":false}"#, #"{"suspended":true}"#])
    }

    @Test("Guarantees are told as committed, without tenants that have none or are shut out")
    func guarantees() async throws {
        let test = try await TestLedger()
        #expect(test.ledger.guaranteedSandboxes().isEmpty)
        try await test.ledger.changePolicy(of: TestLedger.tenant, by: "test") { policy in
            var policy = policy
            policy.guaranteedSandboxes = 3
            return policy
        }
        #expect(test.ledger.guaranteedSandboxes() == [TestLedger.tenant: 3])
        try await test.ledger.suspendTenant(TestLedger.tenant, by: "test")
        #expect(test.ledger.guaranteedSandboxes().isEmpty)
        try await test.ledger.resumeTenant(TestLedger.tenant, by: "test")
        #expect(test.ledger.guaranteedSandboxes() == [TestLedger.tenant: 3])
    }
}

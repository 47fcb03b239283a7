import Quota
import Testing

@testable import Ledger

/// What goes on, counted.
struct LedgerStandingTests {
    @Test("Work, tenants and the audit log are counted")
    func counts() async throws {
        let test = try await TestLedger()
        try await test.ledger.createTenant("other", by: "test")
        _ = try await test.ledger.suspendTenant("other", by: "test")
        _ = try await test.ledger.admit(test.order())
        _ = try await test.sandbox(id: "i1")
        let asleep = try await test.sandbox(id: "i2")
        _ = try await test.ledger.pause(asleep.handle, for: nil, because: "asked")
        var standing = try await test.ledger.standing()
        #expect((standing.executions, standing.sandboxes, standing.pausedSandboxes) == (1, 1, 1))
        #expect((standing.tenants, standing.disabledTenants) == (2, 1))
        #expect(standing.checkpoint == nil && standing.at == test.clock.now)
        #expect(standing.gateways.count == (TestLedger.isOnServer ? 1 : 0))
        let last = try await test.audit().last?.sequence
        #expect(standing.sequence == last)

        try await test.ledger.makeCheckpoint()
        standing = try await test.ledger.standing()
        #expect(standing.checkpoint?.number == 1 && standing.checkpoint?.sequence == last)
        #expect(standing.checkpoint?.at == test.clock.now)
    }

    @Test("Tenants that have little left are told, each with its fullest limit, the fullest first")
    func nearLimits() async throws {
        var policy = Policy.unlimited
        policy.executions = 10
        policy.runtime = [.hour: 10_000, .day: 1_000_000]
        let test = try await TestLedger(policy: policy)
        #expect(try await test.ledger.standing().nearLimits == [])
        for _ in 0..<7 { _ = try await test.ledger.admit(test.order(timeout: 1_000)) }
        #expect(try await test.ledger.standing().nearLimits == [])
        let last = try await test.ledger.admit(test.order(timeout: 2_000))
        let told = try await test.ledger.standing().nearLimits
        #expect(told == [.init(tenant: TestLedger.tenant, limit: .hour, percent: 90)])

        _ = try await test.ledger.settle(last, with: .completed(held: 2_000))
        _ = try await test.ledger.admit(test.order(timeout: 1_000))
        #expect(try await test.ledger.standing().nearLimits.first?.percent == 100)
        test.clock.advance(by: .seconds(3_600))
        let next = try await test.ledger.standing().nearLimits
        #expect(next == [.init(tenant: TestLedger.tenant, limit: .executions, percent: 80)])
    }
}

import Quota
import Testing

@testable import Ledger

/// A policy that judges, records what it would have refused, and refuses nothing.
struct ShadowTests {
    private func shadow(_ change: (inout Policy) -> Void) -> Policy {
        var policy = Policy.unlimited
        policy.shadow = true
        change(&policy)
        return policy
    }

    private func shadowed(_ ledger: Ledger) async throws -> Int64 {
        let ever = Moment(seconds: 0)...Moment(seconds: 2_000_000_000)
        let rows = try await ledger.consumption(ConsumptionQuery(days: ever))
        return rows.reduce(0) { $0 + $1.consumption.shadowed }
    }

    @Test("What it would have refused or lowered is in the audit log and in the sums")
    func recorded() async throws {
        let test = try await TestLedger(
            policy: shadow {
                $0.executions = 0; $0.runtime = [:]
            })
        let first = try await test.ledger.admit(test.order())
        try await test.ledger.setPolicy(shadow { $0.runtime = [.day: 500] }, of: TestLedger.tenant, by: "test")
        _ = try await test.ledger.settle(first, with: .completed(held: 100))
        let second = try await test.ledger.admit(test.order(timeout: 1_000))
        #expect(second.timeoutMilliseconds == 1_000 && !second.wasLowered)
        let reasons = try await test.audit(.executionAdmitted).map(\.entry.reason)
        #expect(reasons == ["shadow_executions", "shadow_lowered"])
        _ = try await test.ledger.settle(second, with: .completed(held: 700))
        #expect(try await shadowed(test.ledger) == 2)
    }

    @Test("Its rate refuses nothing either, and what it would have refused is recorded with the call")
    func rate() async throws {
        let rate = Rate(permits: 1, periodSeconds: 3_600, burst: 1)
        let test = try await TestLedger(policy: shadow { $0.rate = rate })
        #expect(try await test.ledger.takeRate(of: TestLedger.tenant).shadowed == nil)
        let standings = try await test.ledger.takeRate(of: TestLedger.tenant)
        #expect(standings.shadowed == .rate(limit: rate, retryAfter: .seconds(3_600)))
        #expect(standings.tenant.remaining == 0)
        var order = test.order()
        order.shadowedRate = standings.shadowed
        _ = try await test.ledger.admit(order)
        #expect(try await test.audit(.executionAdmitted).map(\.entry.reason) == ["shadow_rate"])
    }

    @Test("A call that it admits leaves no word")
    func nothing() async throws {
        let test = try await TestLedger(policy: shadow { _ in })
        let lease = try await test.ledger.admit(test.order())
        _ = try await test.ledger.settle(lease, with: .completed(held: 1))
        #expect(try await test.audit(.executionAdmitted).map(\.entry.reason) == [nil])
        #expect(try await shadowed(test.ledger) == 0)
    }
}

import Ledger
import Quota
import Testing

struct RateTests {
    private func rated(_ text: String, burst: Int) -> Policy {
        var policy = Policy.unlimited
        policy.rate = Rate(parsing: "\(text) burst \(burst)") ?? policy.rate
        return policy
    }

    @Test("The burst passes, the next call is told exactly when to come back")
    func burst() async throws {
        let test = try await TestLedger(policy: rated("10/s", burst: 3))
        for _ in 0..<3 { try await test.ledger.takeRate(of: TestLedger.tenant) }
        let refusal = Denial.rate(
            limit: rated("10/s", burst: 3).rate, retryAfter: .milliseconds(100))
        await #expect(throws: RateFailure.denied(refusal)) { try await test.ledger.takeRate(of: TestLedger.tenant) }
        test.clock.advance(by: .nanoseconds(99_999_999))
        await #expect(throws: RateFailure.self) { try await test.ledger.takeRate(of: TestLedger.tenant) }
        test.clock.advance(by: .nanoseconds(1))
        try await test.ledger.takeRate(of: TestLedger.tenant)
        #expect(try await test.ledger.usageReport(of: TestLedger.tenant).rate.remaining == 0)
    }

    @Test("A restart does not refill it")
    func survivesRestart() async throws {
        let test = try await TestLedger(policy: rated("1/h", burst: 1))
        try await test.ledger.takeRate(of: TestLedger.tenant)
        let ledger = try await test.reopened()
        await #expect(throws: RateFailure.self) { try await ledger.takeRate(of: TestLedger.tenant) }
    }

    @Test("One tenant's calls do not use another's")
    func apart() async throws {
        let test = try await TestLedger(policy: rated("1/h", burst: 1))
        try await test.ledger.createTenant("beta", policy: rated("1/h", burst: 1), by: "test")
        try await test.ledger.takeRate(of: TestLedger.tenant)
        try await test.ledger.takeRate(of: "beta")
        await #expect(throws: RateFailure.self) { try await test.ledger.takeRate(of: "beta") }
    }

    @Test("Callers at once never get more than the burst")
    func concurrent() async throws {
        let test = try await TestLedger(policy: rated("1/h", burst: 50))
        let passed = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<300 {
                group.addTask { (try? await test.ledger.takeRate(of: TestLedger.tenant)) != nil }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(passed == 50)
    }
}

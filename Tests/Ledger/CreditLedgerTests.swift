import Quota
import Testing

@testable import Ledger

/// Runtime given once, on disk and in the audit log.
struct CreditLedgerTests {
    @Test("It carries what windows have no room for, over a restart, and is told in the execution")
    func carries() async throws {
        var policy = Policy.unlimited
        policy.runtime = [.day: 1_000]
        let test = try await TestLedger(policy: policy)
        let end = test.clock.now + .seconds(3_600)
        let credit = try await test.ledger.grantCredit(2_500, to: TestLedger.tenant, until: end, by: "test")
        let ledger = try await test.reopened()
        let lease = try await ledger.admit(test.order(timeout: 10_000))
        #expect(lease.timeoutMilliseconds == 3_500 && lease.grant.creditMilliseconds == 2_500)
        let settled = try await ledger.settle(lease, with: .completed(held: 3_000))
        #expect(settled.chargedMilliseconds == 3_000)
        let usage = try await ledger.usageReport(of: TestLedger.tenant).usage
        #expect(usage.credits.map(\.id) == [credit.id])
        #expect(usage.credits.first?.remainingMilliseconds(at: test.clock.now) == 500)
        let today = test.clock.now...test.clock.now
        let consumption = try await ledger.consumption(ConsumptionQuery(days: today)).first?.consumption
        #expect(consumption?.chargedMilliseconds == 3_000 && consumption?.creditMilliseconds == 2_000)
    }

    @Test("Giving and taking back are audited, with before and after")
    func audited() async throws {
        let test = try await TestLedger()
        let end = test.clock.now + .seconds(60)
        let credit = try await test.ledger.grantCredit(2_500, to: TestLedger.tenant, until: end, by: "local:ann")
        try await test.ledger.withdrawCredit(credit.id, of: TestLedger.tenant, by: "local:bob")
        let granted = try #require(try await test.audit(.creditGranted).first?.entry)
        #expect(granted.actor == "local:ann" && granted.tenant == TestLedger.tenant)
        #expect(granted.afterDocument?.contains(#""ms":2500"#) == true)
        let withdrawn = try #require(try await test.audit(.creditWithdrawn).first?.entry)
        #expect(withdrawn.actor == "local:bob")
        #expect(withdrawn.beforeDocument?.contains(#""ms":2500"#) == true)
        #expect(withdrawn.afterDocument?.contains(#""ms":0"#) == true)
    }

    @Test("What cannot be given is refused, and nothing is written")
    func refused() async throws {
        let test = try await TestLedger()
        let ledger = test.ledger, now = test.clock.now
        await #expect(throws: LedgerFailure.self) {
            try await ledger.grantCredit(0, to: TestLedger.tenant, until: now + .seconds(1), by: "test")
        }
        await #expect(throws: LedgerFailure.invalidCredit("must end after now")) {
            try await ledger.grantCredit(1, to: TestLedger.tenant, until: now, by: "test")
        }
        await #expect(throws: LedgerFailure.self) {
            try await ledger.grantCredit(1, to: TestLedger.tenant, until: now + .seconds(400_000_000), by: "test")
        }
        await #expect(throws: LedgerFailure.noSuchTenant("nobody")) {
            try await ledger.grantCredit(1, to: "nobody", until: now + .seconds(1), by: "test")
        }
        await #expect(throws: LedgerFailure.noSuchCredit("crd_1")) {
            try await ledger.withdrawCredit("crd_1", of: TestLedger.tenant, by: "test")
        }
        for _ in 0..<32 {
            _ = try await ledger.grantCredit(1, to: TestLedger.tenant, until: now + .seconds(1), by: "test")
        }
        await #expect(throws: LedgerFailure.self) {
            try await ledger.grantCredit(1, to: TestLedger.tenant, until: now + .seconds(1), by: "test")
        }
        #expect(try await test.audit(.creditGranted).count == 32)
    }
}

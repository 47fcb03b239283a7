import Quota
import Testing

@testable import Ledger

/// A change that was meant for one state is not made in another, judged in its own commit.
struct ConditionTests {
    private static func raised(_ policy: Policy) -> Policy {
        var policy = policy
        policy.executions += 1
        return policy
    }

    @Test("Of many changes at once of the same state one is made, and the others are told")
    func policy() async throws {
        let test = try await TestLedger()
        let seen = try await test.ledger.policy(of: TestLedger.tenant)
        let made = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    do {
                        try await test.ledger.changePolicy(
                            of: TestLedger.tenant, by: "test", onlyIf: { $0 == seen }, { Self.raised($0) })
                        return true
                    } catch LedgerFailure.preconditionFailed {
                        return false
                    } catch {
                        Issue.record(error)
                        return false
                    }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(made == 1)
        #expect(try await test.ledger.policy(of: TestLedger.tenant) == Self.raised(seen))
        #expect(try await test.audit(.policySet).count == 1)
    }

    @Test("What new tenants get, and whether a tenant is shut out, as well")
    func others() async throws {
        let test = try await TestLedger()
        await #expect(throws: LedgerFailure.preconditionFailed) {
            try await test.ledger.changeDefaultPolicy(by: "test", onlyIf: { $0.executions == 77 }, { Self.raised($0) })
        }
        #expect(test.ledger.defaultPolicy() == .standard)
        await #expect(throws: LedgerFailure.preconditionFailed) {
            try await test.ledger.changeTenant(
                TestLedger.tenant, TenantChange(name: "other"), by: "test", onlyIf: { $0.isSuspended })
        }
        await #expect(throws: LedgerFailure.preconditionFailed) {
            try await test.ledger.deleteTenant(TestLedger.tenant, by: "test", onlyIf: { $0.isSuspended })
        }
        #expect(try await test.ledger.tenants().map(\.name) == [TestLedger.tenant])
        let tenant = try await test.ledger.changeTenant(
            TestLedger.tenant, TenantChange(name: "other"), by: "test", onlyIf: { !$0.isSuspended })
        #expect(tenant.name == "other")
    }

    @Test("A change that could not be made at all is refused as that, whatever the state")
    func invalid() async throws {
        let test = try await TestLedger()
        let failure = PolicyFailure(field: "rate", reason: "is none")
        await #expect(throws: LedgerFailure.invalidPolicy(failure)) {
            try await test.ledger.changePolicy(
                of: TestLedger.tenant, by: "test", onlyIf: { _ in false },
                { _ throws(PolicyFailure) -> Policy in throw failure })
        }
    }
}

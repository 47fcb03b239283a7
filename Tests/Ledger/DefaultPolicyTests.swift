import Quota
import Testing

@testable import Ledger

struct DefaultPolicyTests {
    @Test("New tenants get it, those that exist keep theirs, and a restart forgets nothing")
    func applied() async throws {
        let test = try await TestLedger()
        #expect(test.ledger.defaultPolicy() == .standard)
        let before = try await test.ledger.policy(of: TestLedger.tenant)
        let policy = try await test.ledger.changeDefaultPolicy(by: "local:ann") { policy in
            var policy = policy
            policy.executions = 7
            policy.subject = SubjectLimits(executions: 1)
            return policy
        }
        try await test.ledger.createTenant("new", by: "test")
        #expect(try await test.ledger.policy(of: "new") == policy)
        #expect(try await test.ledger.policy(of: TestLedger.tenant) == before)
        let record = try #require(try await test.audit(.defaultPolicySet).first?.entry)
        #expect(record.actor == "local:ann")
        #expect(record.beforeDocument != record.afterDocument)
        let ledger = try await test.reopened()
        #expect(ledger.defaultPolicy() == policy)
    }

    @Test("One that is out of range is refused and changes nothing")
    func refused() async throws {
        let test = try await TestLedger()
        await #expect(throws: LedgerFailure.self) {
            try await test.ledger.changeDefaultPolicy(by: "test") { policy in
                var policy = policy
                policy.executions = -1
                return policy
            }
        }
        #expect(test.ledger.defaultPolicy() == .standard)
    }
}

import Quota
import Testing

@testable import Ledger

/// The recorded past against other limits.
struct SimulationLedgerTests {
    @Test("Admitted and refused calls are replayed in order, those of others and of earlier are not")
    func replayed() async throws {
        var policy = Policy.unlimited
        policy.executions = 2
        let test = try await TestLedger(policy: policy)
        let early = try await test.ledger.admit(test.order())
        _ = try await test.ledger.settle(early, with: .completed(held: 1))
        test.clock.advance(by: .seconds(100))
        let since = test.clock.now
        var leases: [Lease] = []
        for _ in 0..<2 { leases.append(try await test.ledger.admit(test.order(timeout: 5_000))) }
        await #expect(throws: AdmissionFailure.self) { try await test.ledger.admit(test.order(timeout: 5_000)) }
        test.clock.advance(by: .seconds(3))
        for lease in leases { _ = try await test.ledger.settle(lease, with: .completed(held: 3_000)) }
        try await test.ledger.createTenant("other", policy: policy, by: "test")

        let same = try await test.ledger.simulate(TestLedger.tenant, since: since) { $0 }
        #expect(same.result.calls == 3 && same.refusedThen == 1)
        #expect(same.result.refused == ["executions": 1])
        let more = try await test.ledger.simulate(TestLedger.tenant, since: since) { policy in
            var policy = policy
            policy.executions = 3
            return policy
        }
        #expect(more.result.refusals == 0 && more.result.mostAtOnce == 3)
        #expect(more.result.chargedMilliseconds == 9_000, "the one that was refused is taken to have run as the others")
        #expect(more.policy.executions == 3)
        #expect(try await test.ledger.simulate("other", since: since) { $0 }.result.calls == 0)
        #expect(try await test.ledger.simulate(TestLedger.tenant, since: Moment(seconds: 0)) { $0 }.result.calls == 4)
        #expect(try await test.ledger.policy(of: TestLedger.tenant) == policy, "nothing is changed")
    }

    @Test("Refusals that were counted in one record are replayed one by one, in order, those by rate too")
    func counted() async throws {
        var policy = Policy.unlimited
        policy.executions = 0
        let test = try await TestLedger(policy: policy)
        let since = test.clock.now
        for _ in 0..<30 {
            await #expect(throws: AdmissionFailure.self) { try await test.ledger.admit(test.order()) }
            test.ledger.note(
                RefusedCall(
                    of: .tenant("acme", keyID: "\(test.key.key.id)", subject: nil), calling: "createExecution",
                    reason: "rate-limited", sourceAddress: "192.0.2.1", requestID: "req-1"))
            test.clock.advance(by: .seconds(1))
        }
        await test.ledger.writeRefusals(all: true)
        let report = try await test.ledger.simulate(TestLedger.tenant, since: since) { policy in
            var policy = policy
            policy.executions = 100
            policy.rate = Rate(permits: 1, periodSeconds: 1, burst: 2)
            return policy
        }
        #expect(report.refusedThen == 60 && report.result.calls == 60)
        #expect(
            report.result.refused == ["rate": 28], "two a second against one a second, but for the burst and the end")
    }
}

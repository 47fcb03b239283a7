import Auth
import Foundation
import Quota
import Testing

@testable import Ledger

struct RecoveryTests {
    /// A ledger whose process "died" with `count` executions running, each holding a sandbox.
    private func abandoned(_ count: Int) async throws -> (test: TestLedger, leases: [Lease]) {
        var policy = Policy.unlimited
        policy.runtime = [.day: 1_000_000_000]
        let test = try await TestLedger(policy: policy)
        var leases: [Lease] = []
        for index in 0..<count {
            let lease = try await test.ledger.admit(test.order(timeout: 1_000))
            if index.isMultiple(of: 2) { await test.ledger.recordSandbox("sbx\(index)", for: lease) }
            leases.append(lease)
        }
        return (test, leases)
    }

    @Test("What a dead process left is settled at its ceiling, its sandboxes marked, all on record")
    func recover() async throws {
        let (test, leases) = try await abandoned(3)
        let ledger = try await test.reopened()
        #expect(try await ledger.usageReport(of: TestLedger.tenant).usage.executions == 3)
        let report = try await ledger.recover()
        #expect(Set(report.executions) == Set(leases.map(\.executionID.text)))
        #expect(report.chargedMilliseconds == 3_000)
        #expect(Set(report.sandboxes) == ["sbx0", "sbx2"])
        #expect(Set(try await ledger.sandboxesToDestroy()) == ["sbx0", "sbx2"])

        let usage = try await ledger.usageReport(of: TestLedger.tenant)
        #expect(usage.usage.executions == 0)
        #expect(usage.runtime.first?.usedMilliseconds == 3_000 && usage.runtime.first?.reservedMilliseconds == 0)
        for lease in leases {
            let record = try #require(try await ledger.execution(lease.executionID.text, of: TestLedger.tenant))
            #expect(record.outcome == .killed && record.reason == "gateway_restarted")
            #expect(record.runtimeMilliseconds == 1_000)
        }
        let records = try await ledger.auditRecords(AuditQuery(execution: leases[0].executionID.text))
        #expect(records.map(\.entry.action) == [.executionAdmitted, .executionFinished])
        #expect(try await ledger.verifyAudit().isIntact)
    }

    @Test("Recovering again does nothing, and leaves alone what runs now")
    func idempotent() async throws {
        let (test, _) = try await abandoned(2)
        let ledger = try await test.reopened()
        let lease = try await ledger.admit(test.order(timeout: 1_000))
        #expect(try await ledger.recover().executions.count == 2)
        #expect(try await ledger.recover().executions.isEmpty)
        #expect(try await !ledger.settle(lease, with: .completed(held: 10)).wasSettledBefore)
    }

    @Test("A settlement that comes after the recovery is a no-op on record")
    func lateSettlement() async throws {
        let (test, leases) = try await abandoned(1)
        let ledger = try await test.reopened()
        _ = try await ledger.recover()
        let settled = try await ledger.settle(leases[0], with: .completed(held: 1))
        #expect(settled.wasSettledBefore && settled.chargedMilliseconds == 1_000)
        #expect(try await ledger.auditRecords(AuditQuery(limit: 1_000)).last?.entry.action == .settlementRepeated)
    }

    @Test("More than one portion is recovered")
    func many() async throws {
        let (test, leases) = try await abandoned(250)
        let ledger = try await test.reopened()
        let report = try await ledger.recover()
        #expect(report.executions.count == 250)
        #expect(Set(report.executions) == Set(leases.map(\.executionID.text)))
        #expect(try await ledger.usageReport(of: TestLedger.tenant).usage.executions == 0)
        #expect(try await ledger.verifyAudit().isIntact)
    }

    @Test("An instance that is dropped without a word leaves everything to recover", .ofAFile)
    func dropped() async throws {
        let folder = try TemporaryFolder()
        let location = try await TestLedger.location(TestLedger.freeAddress(path: folder.path + "/gateway.db"))
        let rootKey = RootKey.random()
        do {
            let ledger = try Ledger.create(in: location, rootKey: rootKey)
            try await ledger.createTenant("acme", by: "test")
            let key = try await ledger.issueKey(for: "acme", by: "test")
            _ = try await ledger.admit(
                AdmissionOrder(
                    executionID: .random(), tenant: "acme", keyID: key.key.id, requestID: "r", sourceAddress: "::1",
                    timeoutMilliseconds: 5, code: []
                ))
        }
        let ledger = try Ledger.open(in: location, rootKey: rootKey)
        #expect(try await ledger.recover().chargedMilliseconds == 5)
    }

    @Test("The files as a killed process leaves them, its journal not yet folded in, open and recover", .ofAFile)
    func killed() async throws {
        let (test, leases) = try await abandoned(5)
        _ = try await test.ledger.settle(leases[0], with: .completed(held: 10))
        let copy = try KilledCopy(of: test)
        let ledger = try Ledger.open(at: copy.path, rootKey: test.rootKey, clock: test.clock.source)
        #expect(try await ledger.recover().executions.count == 4)
        #expect(try await ledger.usageReport(of: TestLedger.tenant).runtime.first?.usedMilliseconds == 4_010)
        #expect(try ledger.authenticate(test.key.token).tenant == TestLedger.tenant)
        #expect(try await ledger.verifyAudit().isIntact)
    }
}

import Foundation
import Quota
import Testing

@testable import Ledger

struct RetentionTests {
    private static let ever = Moment(seconds: 0)...Moment(seconds: 2_000_000_000)

    private func sums(_ ledger: Ledger) async throws -> [[ConsumptionRow]] {
        var sums: [[ConsumptionRow]] = []
        for grouping in ConsumptionGrouping.allCases {
            sums.append(
                try await ledger.consumption(ConsumptionQuery(grouping: grouping, isDaily: true, days: Self.ever)))
        }
        return sums
    }

    private func count(_ ledger: Ledger) async throws -> Int {
        try await ledger.read { try $0.value(Int.self, "SELECT count(*) FROM execution") ?? -1 }
    }

    private func finished(_ test: TestLedger, count: Int, held: Int64 = 7) async throws -> [ExecutionID] {
        try await withThrowingTaskGroup(of: ExecutionID.self) { group in
            for number in 0..<count {
                group.addTask {
                    let order = test.order(timeout: 100, subject: "user-\(number % 7)")
                    let lease = try await test.ledger.admit(order)
                    _ = try await test.ledger.settle(lease, with: .completed(held: held))
                    return order.executionID
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test("Old executions go in portions; the younger ones, sums and audit stay")
    func portions() async throws {
        let test = try await TestLedger()
        let old = try await finished(test, count: 450)
        test.clock.advance(by: .seconds(60 * 86_400))
        let young = try await finished(test, count: 30)
        let (before, audit) = (try await sums(test.ledger), try await test.ledger.verifyAudit())
        test.clock.advance(by: .seconds(30 * 86_400) - .milliseconds(1))
        #expect(try await test.ledger.forgetOldExecutions() == 0)
        test.clock.advance(by: .milliseconds(2))

        let commits = test.ledger.commitCount
        #expect(try await test.ledger.forgetOldExecutions() == 450)
        #expect(test.ledger.commitCount - commits == 3, "two hundred at a time")
        #expect(try await count(test.ledger) == 30)
        for id in old.prefix(5) { #expect(try await test.ledger.execution(id.text, of: TestLedger.tenant) == nil) }
        for id in young.prefix(5) { #expect(try await test.ledger.execution(id.text, of: TestLedger.tenant) != nil) }
        #expect(try await sums(test.ledger) == before)
        #expect(try await test.ledger.verifyAudit() == audit)
        #expect(try await test.ledger.auditRecords(AuditQuery(execution: old[0].text)).count == 2)

        let quiet = test.ledger.commitCount
        #expect(try await test.ledger.forgetOldExecutions() == 0)
        #expect(test.ledger.commitCount == quiet, "nothing to forget is no work for the writer")
    }

    @Test("What runs stays, and what has a sandbox left, however old; both go once they are over")
    func unfinished() async throws {
        let test = try await TestLedger()
        let running = try await test.ledger.admit(test.order())
        let held = try await test.ledger.admit(test.order())
        await test.ledger.recordSandbox("sbx-1", for: held)
        _ = try await test.ledger.settle(held, with: .completed(held: 5))
        _ = try await finished(test, count: 250)
        test.clock.advance(by: .seconds(91 * 86_400))
        #expect(try await test.ledger.forgetOldExecutions() == 250, "those behind them in the order go")
        #expect(try await count(test.ledger) == 2)
        #expect(try await test.ledger.sandboxesToDestroy() == ["sbx-1"])

        await test.ledger.sandboxDestroyed("sbx-1")
        #expect(try await test.ledger.forgetOldExecutions() == 1)
        #expect(try await test.ledger.settle(running, with: .completed(held: 5)).chargedMilliseconds == 5)
        #expect(try await test.ledger.forgetOldExecutions() == 0, "it ended just now")
        test.clock.advance(by: .seconds(91 * 86_400))
        #expect(try await test.ledger.forgetOldExecutions() == 1)
        #expect(try await count(test.ledger) == 0)
    }

    @Test("Calls go on beside it, each waiting for one portion at most")
    func beside() async throws {
        let test = try await TestLedger()
        _ = try await finished(test, count: 2_000)
        test.clock.advance(by: .seconds(91 * 86_400))
        let forgetting = Task { try await test.ledger.forgetOldExecutions() }
        var admitted = 0
        while try await count(test.ledger) > admitted {
            let commits = test.ledger.commitCount
            let lease = try await test.ledger.admit(test.order())
            admitted += 1
            // The commit under way when it came, and its own.
            #expect(test.ledger.commitCount - commits <= 3)
            _ = lease
        }
        #expect(try await forgetting.value == 2_000)
        #expect(admitted > 0)
        #expect(try await test.usage().executions == admitted)
    }

    @Test("It is told how long to keep them, and keeps them 62 days at least")
    func setting() async throws {
        for (days, kept) in [(100, 100), (1, 62)] as [(Int64, Int64)] {
            let test = try await TestLedger(retention: Retention(executions: .seconds(days * 86_400)))
            _ = try await finished(test, count: 1)
            test.clock.advance(by: .seconds(kept * 86_400))
            #expect(try await test.ledger.forgetOldExecutions() == 0)
            test.clock.advance(by: .milliseconds(1))
            #expect(try await test.ledger.forgetOldExecutions() == 1)
        }
    }

    @Test("Subjects nobody called for in 62 days go, and are as new when they come back")
    func subjects() async throws {
        var policy = Policy.unlimited
        policy.subject = SubjectLimits(runtime: [.month: 1_000])
        let test = try await TestLedger(policy: policy)
        func subjects() async throws -> [String] {
            try await test.ledger.read { try $0.values(String.self, "SELECT name FROM subject ORDER BY name") }
        }
        _ = try await finished(test, count: 7)
        test.clock.advance(by: .seconds(62 * 86_400))
        let lease = try await test.ledger.admit(test.order(timeout: 10, subject: "user-3"))
        try await test.ledger.forgetOldExecutions()
        #expect(try await subjects().count == 7)
        test.clock.advance(by: .nanoseconds(1))
        try await test.ledger.forgetOldExecutions()
        #expect(try await subjects() == ["user-3"])

        _ = try await test.ledger.settle(lease, with: .completed(held: 10))
        let ledger = try await test.reopened()
        for (subject, used) in [("user-3", 10), ("user-4", 0)] as [(String, Int64)] {
            let report = try await ledger.usageReport(of: TestLedger.tenant, subject: subject)
            #expect(report.subject?.runtime.map(\.usedMilliseconds) == [used])
        }
        await ledger.close()
    }
}

import Ledger
import Quota
import Testing

struct SettlementTests {
    private func limited() -> Policy {
        var policy = Policy.unlimited
        policy.runtime = [.hour: 10_000, .day: 50_000]
        return policy
    }

    @Test("A settlement charges, returns the rest, and is on record")
    func settle() async throws {
        let test = try await TestLedger(policy: limited())
        let lease = try await test.ledger.admit(test.order(timeout: 5_000))
        await test.ledger.recordSandbox("sbx1", for: lease)
        let result = ExecutionResult(
            outcome: .timed_out, reason: "deadline", heldMilliseconds: 5_250, outputBytes: 77, exceptionName: "Boom")
        let settled = try await test.ledger.settle(lease, with: result)
        #expect(settled.chargedMilliseconds == 5_000 && settled.overrunMilliseconds == 250)
        #expect(!settled.wasSettledBefore)
        #expect(settled.remaining.map(\.remainingMilliseconds) == [5_000, 45_000])
        #expect(try await test.usage().executions == 0)
        let entry = try #require(try await test.audit(.executionFinished).last).entry
        #expect(entry.outcome == "timed_out" && entry.reason == "deadline" && entry.runtime == 5_000)
        #expect(entry.overrun == 250 && entry.outputBytes == 77 && entry.exception == "Boom")
        #expect(entry.sandbox == "sbx1" && entry.subject == "user-42" && entry.requestID == "req-1")
    }

    @Test("A second settlement changes nothing and says so")
    func twice() async throws {
        let test = try await TestLedger(policy: limited())
        let lease = try await test.ledger.admit(test.order(timeout: 5_000))
        _ = try await test.ledger.settle(lease, with: .completed(held: 1_000))
        let usage = try await test.usage()
        let again = try await test.ledger.settle(lease, with: .completed(held: 4_000))
        #expect(again.wasSettledBefore && again.chargedMilliseconds == 1_000)
        #expect(try await test.usage() == usage)
        #expect(try await test.audit(.executionFinished).count == 1)
        #expect(try await test.audit(.settlementRepeated).count == 1)
        let record = try await test.ledger.execution(lease.executionID.text, of: TestLedger.tenant)
        #expect(record?.runtimeMilliseconds == 1_000)
    }

    @Test("Of many who settle one lease at once, one does")
    func concurrently() async throws {
        let test = try await TestLedger(policy: limited())
        let other = try await test.ledger.admit(test.order(timeout: 100))
        let lease = try await test.ledger.admit(test.order(timeout: 5_000))
        let first = try await withThrowingTaskGroup(of: Bool.self) { group in
            for held in 1...50 as ClosedRange<Int64> {
                group.addTask { try await !test.ledger.settle(lease, with: .completed(held: held)).wasSettledBefore }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(first == 1)
        let usage = try await test.usage()
        #expect(usage.executions == 1)
        #expect(usage.windows.first?.reservedMilliseconds == 100)
        _ = try await test.ledger.settle(other, with: .completed(held: 0))
    }

    @Test("A sandbox is kept in mind from its record to its destruction")
    func sandboxes() async throws {
        let test = try await TestLedger()
        let lease = try await test.ledger.admit(test.order())
        await test.ledger.recordSandbox("sbx1", for: lease)
        #expect(try await test.ledger.sandboxesToDestroy().isEmpty)
        _ = try await test.ledger.settle(lease, with: .completed(held: 1))
        #expect(try await test.ledger.sandboxesToDestroy() == ["sbx1"])
        let ledger = try await test.reopened()
        #expect(try await ledger.sandboxesToDestroy() == ["sbx1"])
        await ledger.sandboxDestroyed("sbx1")
        #expect(try await ledger.sandboxesToDestroy().isEmpty)
    }

    @Test("A sandbox that turns up after its execution was settled is destroyed too")
    func lateSandbox() async throws {
        let test = try await TestLedger()
        let lease = try await test.ledger.admit(test.order())
        _ = try await test.ledger.settle(lease, with: .completed(held: 1))
        await test.ledger.recordSandbox("late", for: lease)
        #expect(try await test.ledger.sandboxesToDestroy() == ["late"])
    }
}

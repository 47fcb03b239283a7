import Quota
import Synchronization
import Testing

@testable import Ledger

/// What whoever watches is told of commits.
struct CommitReportTests {
    private final class Told: Sendable {
        private let told = Mutex<[CommitReport]>([])
        var reports: [CommitReport] { told.withLock(\.self) }
        func note(_ report: CommitReport) { told.withLock { $0.append(report) } }
    }

    @Test("Every commit is told with the writes it carried")
    func written() async throws {
        let test = try await TestLedger(), told = Told()
        test.ledger.observeCommits { told.note($0) }
        let before = test.ledger.commitCount
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { try await test.ledger.commits.submit(.own) { _ in } } }
            try await group.waitForAll()
        }
        #expect(told.reports.count == test.ledger.commitCount - before)
        #expect(told.reports.reduce(0) { $0 + $1.writes } == 20)
        #expect(told.reports.allSatisfy { $0.isWritten && $0.duration >= .zero && $0.writes >= 1 })
        #expect(test.ledger.waitingWrites == 0)
    }

    @Test("One that fails is told, too", .ofAFile)
    func failed() async throws {
        let test = try await TestLedger(), told = Told()
        test.ledger.observeCommits { told.note($0) }
        let intruder = try Intruder(test)
        await #expect(throws: LedgerFailure.self) { try await test.ledger.createTenant("other", by: "test") }
        try intruder.leave()
        #expect(told.reports.contains { !$0.isWritten })
    }

    @Test("What is charged is told with its commit, of executions and of sandboxes")
    func charges() async throws {
        let test = try await TestLedger(), told = Told()
        test.ledger.observeCommits { told.note($0) }
        let lease = try await test.ledger.admit(test.order())
        _ = try await test.ledger.settle(lease, with: .completed(held: 250))
        let sandbox = try await test.ledger.admit(try test.sandboxOrder(60_000))
        _ = try await test.ledger.sandboxStarted(sandbox.handle, id: "i1", access: .example)
        test.clock.advance(by: .milliseconds(1_500))
        _ = try await test.ledger.endSandbox(sandbox.handle, for: try test.caller(), because: SandboxEnd.killed)
        #expect(
            told.reports.flatMap(\.charges) == [
                RuntimeCharge(tenant: TestLedger.tenant, kind: .execution, milliseconds: 250),
                RuntimeCharge(tenant: TestLedger.tenant, kind: .sandbox, milliseconds: 1_500),
            ])
        #expect(test.ledger.chargedMilliseconds == 1_750)
    }

    @Test("How far a checkpoint is behind is known from memory, to whoever signs them", .ofAFile)
    func checkpoints() async throws {
        let test = try await TestLedger()
        try await test.ledger.makeCheckpoint()
        let made = try #require(test.ledger.checkpointStanding)
        _ = try await test.ledger.admit(test.order())
        let after = try #require(test.ledger.checkpointStanding)
        #expect(after.at == made.at && after.recordsBehind == made.recordsBehind + 1)
    }
}

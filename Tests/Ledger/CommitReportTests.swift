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

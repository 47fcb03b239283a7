import Auth
import Foundation
import Quota
import ServiceLifecycle
import TestSupport
import Testing

@testable import Ledger

/// Checkpoints as a ledger makes, keeps and verifies them.
struct LedgerCheckpointTests {
    private func grow(_ test: TestLedger, by executions: Int = 3) async throws {
        for _ in 0..<executions {
            let lease = try await test.ledger.admit(test.order())
            _ = try await test.ledger.settle(lease, with: .completed(held: 1))
        }
    }

    @Test("A checkpoint names the end of the chain, under a key that opening anew does not change")
    func made() async throws {
        let test = try await TestLedger()
        try await grow(test)
        let signed = try await test.ledger.makeCheckpoint()
        let last = try #require(try await test.audit().last)
        #expect(signed.checkpoint.heads == [.init(stream: "main", sequence: last.sequence, hash: last.hash)])
        #expect(signed.checkpoint.number == 1 && signed.checkpoint.previous == Checkpoint.noPrevious)
        let key = test.ledger.checkpointKey
        try signed.verify(with: key)

        let ledger = try await test.reopened()
        #expect(ledger.checkpointKey == key)
        let second = try await ledger.makeCheckpoint()
        #expect(second.checkpoint.number == 2 && second.checkpoint.previous == signed.checkpoint.digest)
        #expect(try await ledger.checkpoints() == [signed, second])
        #expect(try await ledger.checkpoints(after: 1) == [second])
        #expect(try await ledger.verifyAudit().checkpoints == 2)
        await ledger.close()
    }

    @Test("One is due a minute after the last if the chain has grown, or after ten thousand records")
    func due() async throws {
        let test = try await TestLedger()
        func count() async throws -> Int { try await test.ledger.checkpoints().count }
        await test.ledger.makeCheckpointIfDue()
        #expect(try await count() == 1, "the first one at once")
        test.clock.advance(by: .seconds(3_600))
        await test.ledger.makeCheckpointIfDue()
        #expect(try await count() == 1, "nothing has happened")
        try await grow(test)
        await test.ledger.makeCheckpointIfDue()
        #expect(try await count() == 2)
        try await grow(test)
        test.clock.advance(by: .seconds(60) - .nanoseconds(1))
        await test.ledger.makeCheckpointIfDue()
        #expect(try await count() == 2, "a minute is not over")
        test.clock.advance(by: .nanoseconds(1))
        await test.ledger.makeCheckpointIfDue()
        #expect(try await count() == 3)
        try await test.ledger.commits.submit { draft in
            for _ in 0..<9_999 { try draft.audit(AuditEntry(.tenantChanged)) }
        }
        await test.ledger.makeCheckpointIfDue()
        #expect(try await count() == 3)
        try await test.ledger.commits.submit { draft in try draft.audit(AuditEntry(.tenantChanged)) }
        await test.ledger.makeCheckpointIfDue()
        #expect(try await count() == 4)
    }

    @Test("The ledger signs the end of the chain when its gateway stops")
    func stopping() async throws {
        let test = try await TestLedger()
        let running = Task { try await test.ledger.run() }
        #expect(try await eventually { try await !test.audit(.gatewayStarted).isEmpty })
        running.cancel()
        _ = try? await running.value
        let last = try #require(try await test.audit().last)
        #expect(last.entry.action == .gatewayStopped)
        #expect(try await test.ledger.checkpoints(limit: 1_000).last?.checkpoint.heads.first?.hash == last.hash)
    }

    @Test(
        "Checkpoints that were altered, taken out, or made by somebody else are found",
        arguments: [
            "UPDATE checkpoint SET document = replace(document, '\"number\":2', '\"number\":7') WHERE number = 2",
            "UPDATE checkpoint SET signature = \(TestLedger.dialect.zeros(64)) WHERE number = 2",
            "UPDATE checkpoint SET document = 'nothing' WHERE number = 2",
            "DELETE FROM checkpoint WHERE number = 2",
        ])
    func tampered(sql: String) async throws {
        let test = try await TestLedger()
        for _ in 0..<3 {
            try await grow(test, by: 1)
            try await test.ledger.makeCheckpoint()
        }
        #expect(try await test.ledger.verifyAudit().checkpoints == 3)
        try test.ledger.tamper(sql)
        #expect(try await !test.ledger.verifyAudit().isIntact)
    }

    @Test("A ledger whose last checkpoint is damaged opens, and goes on signing")
    func damagedLast() async throws {
        let test = try await TestLedger()
        try await test.ledger.makeCheckpoint()
        try test.ledger.tamper("UPDATE checkpoint SET document = 'x'")
        let ledger = try await test.reopened()
        #expect(try await ledger.makeCheckpoint().checkpoint.number == 2)
        #expect(try await ledger.checkpoints().map(\.checkpoint.number) == [2])
        #expect(try await !ledger.verifyAudit().isIntact)
        await ledger.close()
    }

    @Test("As many are read as are asked for")
    func limited() async throws {
        let test = try await TestLedger()
        for _ in 0..<5 { try await test.ledger.makeCheckpoint() }
        #expect(try await test.ledger.checkpoints(limit: 2).map(\.checkpoint.number) == [1, 2])
        #expect(try await test.ledger.checkpoints(after: 2, limit: 2).map(\.checkpoint.number) == [3, 4])
        let batch = try await test.ledger.auditLines(after: .start, limit: 3)
        #expect(batch.lines.count == 6 && batch.end.checkpoint == 3 && !batch.isAtEnd)
    }

    @Test("Who recomputes the chain without the key is found by the checkpoints in the ledger itself")
    func recomputed() async throws {
        let test = try await TestLedger()
        try await grow(test)
        try await test.ledger.makeCheckpoint()
        try test.ledger.database.prepare { database in
            var head = AuditHead.start
            for row in try database.rows("SELECT sequence, record FROM audit ORDER BY sequence") {
                let record = (row["record"] as String).replacing("user-42", with: "user-43")
                let hash = AuditChain.hash(after: head.hash, record: record)
                head = AuditHead(sequence: row["sequence"], hash: hash)
                try database.execute(
                    "UPDATE audit SET record = ?, hash = ? WHERE sequence = ?", [record, hash, head.sequence])
            }
            try AuditChain.store(head, at: test.clock.now, in: database)
        }
        #expect(try await test.ledger.verifyAudit().fault?.kind == .checkpointHead)
    }
}

import Quota
import TestSupport
import Testing

@testable import Ledger

/// The log as whoever ships it reads it.
struct ShippingTests {
    private func grow(_ test: TestLedger, by executions: Int = 1) async throws {
        for _ in 0..<executions {
            let lease = try await test.ledger.admit(test.order())
            _ = try await test.ledger.settle(lease, with: .completed(held: 1))
        }
    }

    private func sequence(_ line: AuditLine) -> Int64? {
        guard case .record(let record) = line else { return nil }
        return record.sequence
    }

    @Test("Batches of any size hold every record and every checkpoint once, each checkpoint behind the record it names")
    func batches() async throws {
        let test = try await TestLedger()
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<20 {
            try await grow(test, by: Int.random(in: 0...2, using: &generator))
            if Bool.random(using: &generator) { try await test.ledger.makeCheckpoint() }
        }
        let (records, checkpoints) = (try await test.audit(), try await test.ledger.checkpoints())
        for limit in [1, 2, 7, 1_000] {
            var (position, lines) = (AuditPosition.start, [AuditLine]())
            while true {
                let batch = try await test.ledger.auditLines(after: position, limit: limit)
                lines += batch.lines
                position = batch.end
                #expect(batch.missed == nil)
                if batch.isAtEnd { break }
            }
            #expect(lines.compactMap(sequence) == records.map(\.sequence))
            #expect(lines.count == records.count + checkpoints.count)
            var verifier = ChainVerifier(key: test.ledger.checkpointKey)
            for line in lines {
                switch try RawLine(Array(line.text.utf8)[...]) {
                case .record(let link): verifier.recordRead(link)
                case .checkpoint(let signed): verifier.checkpointRead(signed)
                }
            }
            let verification = verifier.finish()
            #expect(verification.isIntact && verification.checkpoints == Int64(checkpoints.count), "\(verification)")
        }
    }

    @Test("A checkpoint that is made later comes alone, and nothing comes twice")
    func laterCheckpoint() async throws {
        let test = try await TestLedger()
        let first = try await test.ledger.auditLines(after: .start, limit: 1_000)
        #expect(try await test.ledger.auditLines(after: first.end, limit: 10).lines.isEmpty)
        let signed = try await test.ledger.makeCheckpoint()
        let second = try await test.ledger.auditLines(after: first.end, limit: 10)
        #expect(second.lines == [.checkpoint(signed)] && second.end.sequence == first.end.sequence)
        #expect(try await test.ledger.auditLines(after: second.end, limit: 10).lines.isEmpty)
    }

    @Test("Records that were removed before they were read are said to be missed")
    func missed() async throws {
        let test = try await TestLedger()
        try await grow(test, by: 3)
        test.clock.advance(by: .seconds(402 * 86_400))
        try await grow(test)
        try await test.ledger.forgetOldAudit()
        let batch = try await test.ledger.auditLines(after: AuditPosition(sequence: 2, checkpoint: 0), limit: 10)
        let first = try #require(batch.lines.compactMap(sequence).first)
        #expect(batch.missed == 3...first - 1)
    }

    @Test("How far a sink has got outlives a restart")
    func positions() async throws {
        let test = try await TestLedger()
        #expect(try await test.ledger.sinkPosition(of: "file:/a") == nil)
        let position = AuditPosition(sequence: 2, checkpoint: 1)
        try await test.ledger.sinkDelivered("file:/a", upTo: AuditPosition(sequence: 1, checkpoint: 1))
        try await test.ledger.sinkDelivered("file:/a", upTo: position)
        let ledger = try await test.reopened()
        #expect(try await ledger.sinkPosition(of: "file:/a") == position)
        #expect(try await ledger.sinkPosition(of: "file:/b") == nil)
        await ledger.close()
    }

    @Test("Every listener hears of new records, and of those that came while it was busy")
    func listeners() async throws {
        let test = try await TestLedger()
        var one = test.ledger.auditGrown.makeAsyncIterator(), two = test.ledger.auditGrown.makeAsyncIterator()
        try await grow(test)
        #expect(await one.next() != nil)
        #expect(await two.next() != nil)
        let end = test.ledger.auditEnd
        try await grow(test)
        #expect(await one.next() != nil)
        #expect(test.ledger.auditEnd == end + 2)
    }
}

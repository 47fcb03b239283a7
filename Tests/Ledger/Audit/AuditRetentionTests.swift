import Auth
import Quota
import TestSupport
import Testing

@testable import Ledger

struct AuditRetentionTests {
    private static let day = Duration.seconds(86_400)

    private func grow(_ test: TestLedger, by executions: Int) async throws {
        for _ in 0..<executions {
            let lease = try await test.ledger.admit(test.order())
            _ = try await test.ledger.settle(lease, with: .completed(held: 1))
        }
    }

    private func kept(_ test: TestLedger) async throws -> ClosedRange<Int64>? {
        try await test.ledger.read { database in
            guard let first = try database.value(Int64.self, "SELECT min(sequence) FROM audit"),
                let last = try database.value(Int64.self, "SELECT max(sequence) FROM audit")
            else { return nil }
            return first...last
        }
    }

    /// A ledger whose first hundred records are 401 days old, its last ones new.
    private func aged() async throws -> TestLedger {
        let test = try await TestLedger()
        try await grow(test, by: 50)
        try await test.ledger.makeCheckpoint()
        test.clock.advance(by: Self.day * 402)
        try await grow(test, by: 5)
        return test
    }

    @Test("What was kept long enough goes; a record says so, and the rest verifies from there on")
    func trimmed() async throws {
        let test = try await aged()
        let before = try #require(try await kept(test))
        try await test.ledger.forgetOldAudit()
        let after = try #require(try await kept(test))
        #expect(before == 1...113 && after == 104...114)

        let record = try #require(try await test.audit(.auditTrimmed).first)
        #expect(record.sequence == 114)
        let oldest = try #require(try await test.audit().first)
        let cut = try #require(AuditCut(record.entry))
        #expect(cut == AuditCut(first: 104, previous: Hex.text(oldest.previous)))
        let verification = try await test.ledger.verifyAudit()
        #expect(verification.isIntact && verification.first == 104 && verification.last == 114)
    }

    @Test("The chain is cut at most once a day, and never while nothing is old enough")
    func rarely() async throws {
        let test = try await TestLedger()
        try await grow(test, by: 3)
        test.clock.advance(by: Self.day * 400)
        try await test.ledger.forgetOldAudit()
        #expect(try await test.audit(.auditTrimmed).isEmpty, "a day's worth is waited for")
        test.clock.advance(by: Self.day + .seconds(1))
        try await test.ledger.forgetOldAudit()
        #expect(try await test.audit(.auditTrimmed).count == 1)
        try await grow(test, by: 1)
        try await test.ledger.forgetOldAudit()
        #expect(try await test.audit(.auditTrimmed).count == 1)
    }

    @Test("Portions: interrupted between two, the chain verifies, and the rest goes the next time")
    func interrupted() async throws {
        let test = try await TestLedger()
        try await test.ledger.commits.submit { draft in
            for _ in 0..<1_700 { try draft.audit(AuditEntry(.tenantChanged)) }
        }
        test.clock.advance(by: Self.day * 402)
        try await grow(test, by: 1)
        let forgetting = Task { try await test.ledger.forgetOldAudit() }
        // Cancelled at any moment: whatever was committed by then must stand by itself.
        _ = try await eventually { try await kept(test)?.lowerBound ?? 0 > 1 }
        forgetting.cancel()
        try await forgetting.value
        let verification = try await test.ledger.verifyAudit()
        #expect(verification.isIntact, "\(verification)")
        try await test.ledger.forgetOldAudit()
        #expect(try await kept(test)?.lowerBound == 1_704)
        #expect(try await test.ledger.verifyAudit().isIntact)
        #expect(try await test.audit(.auditTrimmed).count == 1)
    }

    @Test(
        "Whoever cuts off the beginning without a record of it is found",
        arguments: [
            // The records, and the chain's beginning moved to match.
            """
            UPDATE chain SET base_sequence = 10, base_hash = (SELECT hash FROM audit WHERE sequence = 10);
            DELETE FROM audit WHERE sequence <= 10
            """,
            "DELETE FROM audit WHERE sequence <= 10",
        ])
    func cutByOthers(sql: String) async throws {
        let test = try await TestLedger()
        try await grow(test, by: 10)
        try test.ledger.tamper(sql)
        #expect(try await test.ledger.verifyAudit().fault?.kind == .missing)
    }

    @Test("Whoever cuts off more than the record says is found")
    func cutFurther() async throws {
        let test = try await aged()
        try await test.ledger.forgetOldAudit()
        try test.ledger.tamper(
            """
            UPDATE chain SET base_sequence = 106, base_hash = (SELECT hash FROM audit WHERE sequence = 106);
            DELETE FROM audit WHERE sequence <= 106
            """)
        #expect(try await test.ledger.verifyAudit().fault?.kind == .missing)
    }

    @Test("A cut whose record names another hash is found")
    func anotherHash() async throws {
        let test = try await aged()
        try await test.ledger.forgetOldAudit()
        try test.ledger.tamper("UPDATE chain SET base_hash = \(TestLedger.dialect.zeros(32))")
        #expect(try await !test.ledger.verifyAudit().isIntact)
    }

    @Test("The check of the ledger holds after a cut, and a reopened ledger goes on from there")
    func checked() async throws {
        let test = try await aged()
        _ = try await test.ledger.forgetOldExecutions()
        try await test.ledger.forgetOldAudit()
        let ledger = try await test.reopened()
        #expect(try await test.check().findings == [])
        let lease = try await ledger.admit(test.order())
        _ = try await ledger.settle(lease, with: .completed(held: 1))
        #expect(try await ledger.verifyAudit().isIntact)
        await ledger.close()
    }

    @Test("Checkpoints of removed records go, the last one stays; so does recorded code of its time")
    func checkpointsAndCode() async throws {
        var policy = Policy.unlimited
        policy.recordsCode = true
        let test = try await TestLedger(policy: policy)
        try await grow(test, by: 2)
        try await test.ledger.makeCheckpoint()
        try await grow(test, by: 1)
        test.clock.advance(by: Self.day * 402)
        try await grow(test, by: 1)
        try await test.ledger.makeCheckpoint()
        _ = try await test.ledger.forgetOldExecutions()
        try await test.ledger.forgetOldAudit()
        #expect(try await test.ledger.checkpoints().map(\.checkpoint.number) == [2])
        let code = try await test.ledger.read { try $0.value(Int.self, "SELECT count(*) FROM recorded_code") }
        #expect(code == 1)
        #expect(try await test.ledger.verifyAudit().isIntact)
    }

    @Test("Records are kept at least as long as the executions they speak of")
    func atLeast() {
        let retention = Retention(executions: Self.day * 500, audit: Self.day * 100)
        #expect(retention.audit == Self.day * 500)
        #expect(Retention(executions: .zero, audit: .zero).audit == Retention.shortest)
    }
}

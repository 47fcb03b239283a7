import Foundation
import Quota
import TestSupport
import Testing

@testable import Ledger

struct AuditSearchTests {
    private static let trace = String(repeating: "b", count: 32)

    /// Two tenants, some executions over time, refusals.
    private func story() async throws -> TestLedger {
        var policy = Policy.unlimited
        policy.executions = 1
        let test = try await TestLedger(policy: policy)
        try await test.ledger.createTenant("beta", by: Actor("test", requestID: "req-2", traceID: Self.trace))
        for number in 0..<6 {
            test.clock.advance(by: .seconds(10))
            let lease = try await test.ledger.admit(test.order(subject: number.isMultiple(of: 2) ? "ann" : "bob"))
            await #expect(throws: AdmissionFailure.self) { try await test.ledger.admit(test.order(subject: "eve")) }
            let outcome: Outcome = number == 3 ? .timed_out : .completed
            _ = try await test.ledger.settle(
                lease, with: ExecutionResult(outcome: outcome, heldMilliseconds: 1, outputBytes: 0))
        }
        return test
    }

    /// The same by looking at every record.
    private func byHand(_ query: AuditQuery, _ records: [AuditRecord]) -> [Int64] {
        func fits(_ record: AuditRecord) -> Bool {
            let entry = record.entry
            let keys = [entry.keyID, entry.actorKeyID, entry.claimedKeyID]
            if let key = query.keyID, !keys.contains(key) { return false }
            if let tenant = query.tenant, entry.tenant != tenant { return false }
            if let subject = query.subject, entry.subject != subject { return false }
            if let action = query.action, entry.action != action { return false }
            if let outcome = query.outcome, entry.outcome != outcome { return false }
            if let execution = query.execution, entry.execution != execution { return false }
            if let request = query.requestID, entry.requestID != request { return false }
            if let trace = query.traceID, entry.traceID != trace { return false }
            if let from = query.from, record.at < from { return false }
            if let to = query.to, record.at >= to { return false }
            return true
        }
        let fitting = records.filter(fits).map(\.sequence)
        return query.order == .oldest ? fitting : fitting.reversed()
    }

    private func all(_ query: AuditQuery, of ledger: Ledger) async throws -> [Int64] {
        var (found, query): ([Int64], AuditQuery) = ([], query)
        while true {
            let page = try await ledger.auditPage(query)
            #expect(page.records.count <= query.limit)
            found += page.records.map(\.sequence)
            guard let next = page.next else { return found }
            query.cursor = next
        }
    }

    @Test("Any query, in pages of any size and in either order, finds what looking at every record finds")
    func random() async throws {
        let test = try await story()
        let records = try await test.audit()
        let executions = records.compactMap(\.entry.execution)
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<400 {
            func perhaps<Value>(_ values: [Value]) -> Value? {
                Int.random(in: 0..<3, using: &generator) == 0 ? values.randomElement(using: &generator) : nil
            }
            func instant() -> Moment {
                test.clock.now - .milliseconds(Int64.random(in: -10_000...70_000, using: &generator))
            }
            var query = AuditQuery(
                tenant: perhaps(["acme", "beta", "nobody"]),
                keyID: perhaps(["\(test.key.key.id)", "00000000000000ff"]),
                subject: perhaps(["ann", "bob", "eve"]), action: perhaps(AuditAction.allCases),
                outcome: perhaps(["completed", "refused", "timed_out"]), execution: perhaps(executions))
            query.requestID = perhaps(["req-1", "req-2", "req-3"])
            query.traceID = perhaps([Self.trace, String(repeating: "c", count: 32)])
            if Bool.random(using: &generator) { query.from = instant() }
            if Bool.random(using: &generator) { query.to = instant() }
            query.order = Bool.random(using: &generator) ? .oldest : .newest
            query.limit = Int.random(in: 1...7, using: &generator)
            #expect(try await all(query, of: test.ledger) == byHand(query, records), "\(query)")
        }
    }

    @Test("A call is found by its id and by its trace, and no other is")
    func calls() async throws {
        let test = try await story()
        for query in [AuditQuery(requestID: "req-2"), AuditQuery(traceID: Self.trace)] {
            #expect(try await test.ledger.auditRecords(query).map(\.entry.action) == [.tenantCreated])
        }
        #expect(try await test.ledger.auditRecords(AuditQuery(requestID: "req-1", traceID: Self.trace)).isEmpty)
    }

    @Test("Each record comes with the hash before it")
    func previous() async throws {
        let test = try await story()
        let records = try await test.audit()
        #expect(zip(records, records.dropFirst()).allSatisfy { $0.hash == $1.previous })
        #expect(records.first?.previous == AuditHead.start.hash)
        let found = try await test.ledger.auditRecords(AuditQuery(subject: "bob", order: .newest))
        for record in found { #expect(record == records[Int(record.sequence) - 1]) }
    }

    @Test("A page that looks at its most records ends there, whatever it found")
    func bounded() async throws {
        let test = try await TestLedger()
        try await test.ledger.commits.submit { draft in
            for _ in 0..<AuditSearch.scanned { try draft.audit(AuditEntry(.tenantChanged)) }
            try draft.audit(AuditEntry(.defaultPolicySet))
        }
        let first = try await test.ledger.auditPage(AuditQuery(action: .defaultPolicySet))
        #expect(first.records.isEmpty && first.next == Int64(AuditSearch.scanned))
        let second = try await test.ledger.auditPage(AuditQuery(action: .defaultPolicySet, after: first.next))
        #expect(second.records.count == 1 && second.next == nil)
    }

    @Test(
        "A record that was tampered with is no obstacle to whoever searches or ships, and stays within its line",
        arguments: ["x", "{}", #"{"at_ms":1,"stream":"main","action":"nonsense"}"#, "1.5\n{}", "[\n]"])
    func tampered(text: String) async throws {
        let test = try await story()
        try test.ledger.tamper("UPDATE audit SET record = ? WHERE sequence = 7", [text])
        #expect(try await !test.ledger.auditRecords(AuditQuery(subject: "ann")).isEmpty)
        #expect(try await !test.ledger.auditRecords(AuditQuery(from: test.clock.now - .seconds(25))).isEmpty)
        let record = try #require(try await test.ledger.auditRecords(AuditQuery(limit: 1, after: 6)).first)
        #expect(record.canonical == text && !record.isReadable && record.entry.action == .unreadable)
        let batch = try await test.ledger.auditLines(after: .start, limit: 10)
        #expect(batch.lines.count == 10 && batch.lines.allSatisfy { !$0.text.contains("\n") })
    }

    private static func record(at instant: String) -> String {
        "UPDATE audit SET record = \(TestLedger.dialect.json("record", setting: "at_ms", to: instant))"
    }

    /// What somebody may have written who can write the database.
    static let writings = [
        record(at: #""x""#), record(at: "[1]"), record(at: "1e300"), record(at: "9223372036854775807"),
        record(at: "-9223372036854775808") + " WHERE sequence % 2 = 0",
        "UPDATE audit SET sequence = 9223372036854775807 WHERE sequence = 10",
        "UPDATE audit SET sequence = -9223372036854775808 WHERE sequence = 1",
        "UPDATE chain SET base_sequence = 9223372036854775807",
        "UPDATE chain SET base_sequence = 3, base_hash = \(TestLedger.dialect.zeros(1))",
        "UPDATE chain SET base_sequence = 5, cut_by = 9223372036854775807",
        """
        UPDATE chain SET base_sequence = 5, cut_by = 12;
        UPDATE audit SET record = '{"action":"audit.trimmed","after":{"first":-9223372036854775808,"previous":"00"}}'
        WHERE sequence = 12
        """,
        """
        UPDATE audit SET record = \(TestLedger.dialect.json(
            TestLedger.dialect.json("record", setting: "count", to: "9223372036854775807"),
            setting: "action", to: #""execution.refused""#))
        """,
        "UPDATE audit SET hash = \(TestLedger.dialect.zeros(1)) WHERE sequence = 9",
        "DELETE FROM audit",
        "DELETE FROM chain",
    ]

    @Test("Nothing in the database stops whoever searches, verifies, ships, simulates or forgets", arguments: writings)
    func hostile(sql: String) async throws {
        let test = try await story()
        try await test.ledger.makeCheckpoint()
        try test.ledger.tamper(sql)
        for order in AuditQuery.Order.allCases {
            let (from, to) = (test.clock.now - .seconds(30), test.clock.now - .seconds(5))
            _ = try? await test.ledger.auditPage(AuditQuery(from: from, to: to, order: order))
            _ = try? await test.ledger.auditPage(AuditQuery(tenant: "acme", subject: "ann", order: order))
        }
        #expect(try await !test.ledger.verifyAudit().isIntact)
        _ = try? await test.ledger.auditLines(after: .start, limit: 100)
        _ = try? await test.ledger.simulate("acme", since: Moment(seconds: 0)) { $0 }
        #expect(try await !test.check().isSound)
        test.clock.advance(by: .seconds(403 * 86_400))
        try? await test.ledger.forgetOldAudit()
    }

    @Test("One record that says another time hides no other from a search by time")
    func anotherTime() async throws {
        let test = try await story()
        let (from, to) = (test.clock.now - .seconds(35), test.clock.now - .seconds(15))
        let before = try await test.ledger.auditRecords(AuditQuery(from: from, to: to)).map(\.sequence)
        #expect(before.count >= 4)
        for record in ["x", #"{"action":"key.issued","stream":"main"}"#] {
            for sequence in 1...30 {
                #expect(throws: CancellationError.self) {
                    try test.ledger.database.prepare { database in
                        try database.execute("UPDATE audit SET record = ? WHERE sequence = ?", [record, sequence])
                        let found = try AuditSearch(AuditQuery(from: from, to: to), of: [], in: database).page().records
                        #expect(found.map(\.sequence) == before.filter { $0 != sequence })
                        throw CancellationError()
                    }
                }
            }
        }
    }

    @Test("A search by key finds attempts that only claimed it")
    func claimed() async throws {
        let test = try await story()
        test.ledger.note(
            RefusedCall(
                of: .nobody(claimedKeyID: "\(test.key.key.id)"), calling: "whoAmI", reason: "invalid-token",
                sourceAddress: "192.0.2.1", requestID: "req-1"))
        await test.ledger.writeRefusals()
        let found = try await test.ledger.auditRecords(AuditQuery(keyID: "\(test.key.key.id)", order: .newest))
        #expect(found.first?.entry.action == .authenticationRefused)
    }
}

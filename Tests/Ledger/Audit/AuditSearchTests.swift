import Foundation
import GRDB
import Quota
import TestSupport
import Testing

@testable import Ledger

struct AuditSearchTests {
    /// Two tenants, some executions over time, refusals.
    private func story() async throws -> TestLedger {
        var policy = Policy.unlimited
        policy.executions = 1
        let test = try await TestLedger(policy: policy)
        try await test.ledger.createTenant("beta", by: "test")
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
        let fitting = records.filter { record in
            let entry = record.entry
            return (query.tenant == nil || entry.tenant == query.tenant)
                && (query.keyID == nil || entry.keyID == query.keyID || entry.actorKeyID == query.keyID)
                && (query.subject == nil || entry.subject == query.subject)
                && (query.action == nil || entry.action == query.action)
                && (query.outcome == nil || entry.outcome == query.outcome)
                && (query.execution == nil || entry.execution == query.execution)
                && (query.from.map { record.at >= $0 } ?? true) && (query.to.map { record.at < $0 } ?? true)
        }.map(\.sequence)
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
            if Bool.random(using: &generator) { query.from = instant() }
            if Bool.random(using: &generator) { query.to = instant() }
            query.order = Bool.random(using: &generator) ? .oldest : .newest
            query.limit = Int.random(in: 1...7, using: &generator)
            #expect(try await all(query, of: test.ledger) == byHand(query, records), "\(query)")
        }
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
        try await test.ledger.pool.write { database in
            try database.execute(sql: "UPDATE audit SET record = ? WHERE sequence = 7", arguments: [text])
        }
        #expect(try await !test.ledger.auditRecords(AuditQuery(subject: "ann")).isEmpty)
        #expect(try await !test.ledger.auditRecords(AuditQuery(from: test.clock.now - .seconds(25))).isEmpty)
        let record = try #require(try await test.ledger.auditRecords(AuditQuery(limit: 1, after: 6)).first)
        #expect(record.canonical == text && !record.isReadable && record.entry.action == .unreadable)
        let batch = try await test.ledger.auditLines(after: .start, limit: 10)
        #expect(batch.lines.count == 10 && batch.lines.allSatisfy { !$0.text.contains("\n") })
    }
}

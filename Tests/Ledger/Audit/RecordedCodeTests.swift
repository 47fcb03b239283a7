import Auth
import Foundation
import Quota
import TestSupport
import Testing

@testable import Ledger

struct RecordedCodeTests {
    private func recording() async throws -> TestLedger {
        var policy = Policy.unlimited
        policy.recordsCode = true
        return try await TestLedger(policy: policy)
    }

    @Test("Code is kept where the policy says so, and whoever is shown it is on record")
    func shown() async throws {
        let test = try await recording()
        let order = test.order(code: "print('Zoë')", context: "secret context")
        _ = try await test.ledger.admit(order)
        let id = order.executionID.text
        #expect(try await test.audit(.executionAdmitted).first?.entry.codeRecorded == true)

        let shown = try await test.ledger.recordedCode(of: id, by: "auditor")
        #expect(shown.code == Array("print('Zoë')".utf8) && shown.context == Array("secret context".utf8))
        let record = try #require(try await test.audit(.codeShown).first?.entry)
        #expect(record.actor == "auditor" && record.execution == id && record.tenant == "acme")
        #expect(try await test.check().isSound)
    }

    @Test("It stands nowhere in clear, in no record either")
    func sealed() async throws {
        let test = try await recording()
        _ = try await test.ledger.admit(test.order(code: "print('needle-in-code')", context: "needle-in-context"))
        let records = try await test.audit().map(\.canonical).joined()
        await test.ledger.close()
        let stored = try await test.stored()
        #expect(stored.range(of: Data(TestLedger.tenant.utf8)) != nil)
        for needle in ["needle-in-code", "needle-in-context"] {
            #expect(stored.range(of: Data(needle.utf8)) == nil && !records.contains(needle))
        }
    }

    @Test("Without the policy nothing is kept, and from the next execution on it holds")
    func policy() async throws {
        let test = try await TestLedger()
        let before = test.order(), after = test.order()
        _ = try await test.ledger.admit(before)
        try await test.ledger.changePolicy(of: "acme", by: "test") { policy in
            var policy = policy
            policy.recordsCode = true
            return policy
        }
        _ = try await test.ledger.admit(after)
        let failure = LedgerFailure.noRecordedCode(before.executionID.text)
        await #expect(throws: failure) { try await test.ledger.recordedCode(of: before.executionID.text, by: "a") }
        #expect(try await test.ledger.recordedCode(of: after.executionID.text, by: "a").context == nil)
        #expect(try await test.audit(.executionAdmitted).map(\.entry.codeRecorded) == [nil, true])
    }

    @Test("A rotation of the root key leaves it readable; another place does not open it")
    func rotated() async throws {
        let test = try await recording()
        let (one, two) = (test.order(code: "1"), test.order(code: "2"))
        for order in [one, two] { _ = try await test.ledger.admit(order) }
        try await test.ledger.rotateRootKey(to: .random(), by: "test")
        #expect(try await test.ledger.recordedCode(of: one.executionID.text, by: "a").code == Array("1".utf8))
        try test.ledger.tamper(
            "UPDATE recorded_code SET sealed = (SELECT sealed FROM recorded_code WHERE execution = ?)",
            [one.executionID.text])
        await #expect(throws: LedgerFailure.self) {
            try await test.ledger.recordedCode(of: two.executionID.text, by: "a")
        }
        #expect(try await test.audit(.codeShown).count == 1)
    }

    @Test("Its bytes say where the code ends and whether there was a context")
    func bytes() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<200 {
            func some() -> [UInt8] {
                (0..<Int.random(in: 0...40, using: &generator)).map { _ in .random(in: 0...255, using: &generator) }
            }
            let recorded = RecordedCode(code: some(), context: Bool.random(using: &generator) ? some() : nil)
            #expect(RecordedCode(bytes: recorded.bytes) == recorded)
            _ = RecordedCode(bytes: some())
        }
        #expect(RecordedCode(bytes: [0, 0, 0, 0, 0, 0, 0, 0, 2, 1]) == nil)
        #expect(RecordedCode(bytes: [0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]) == nil)
    }
}

import Foundation
import Quota
import TestSupport
import Testing

@testable import Ledger

@Suite(.once) struct DocumentTests {
    /// As the encoder writes it.
    private func encoded(_ value: some Encodable) throws -> String { try Document.text(value) }

    @Test("Usages and grants written by hand are what the encoder would have written", arguments: 0..<10)
    func byHand(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var policy = Policy.unlimited
        policy.runtime = [.hour: 50_000]
        policy.subject = SubjectLimits(runtime: [.day: 100_000])
        var usages = UsagePair()
        var now = Moment(seconds: 1_800_000_000)
        usages.tenant.add(
            RuntimeCredit(id: "crd \"1\" ü", milliseconds: 40_000, expiresAt: now + .seconds(7_000)), at: now)
        for _ in 0..<60 {
            now = now + .milliseconds(Int64.random(in: 0...120_000, using: &generator))
            let timeout = Int64.random(in: 1...8_000_000, using: &generator)
            if let grant = try? usages.admit(
                Demand(kind: Bool.random(using: &generator) ? .execution : .sandbox, timeoutMilliseconds: timeout),
                under: policy, at: now)
            {
                #expect(try Document.text(grant) == encoded(grant))
                #expect(try Document.value(from: Document.text(grant)) == grant)
                if Bool.random(using: &generator) { _ = usages.settle(grant, usedMilliseconds: timeout / 2) }
                _ = usages.tenant.passThresholds(under: policy, at: now)
            }
            for usage in [usages.tenant, usages.subject] {
                #expect(try Document.text(usage) == encoded(usage))
                #expect(try Document.value(from: Document.text(usage)) == usage)
            }
        }
    }

    @Test("An audit record is written as canonical JSON writes the same members")
    func auditRecord() {
        var entry = AuditEntry(.executionFinished)
        #expect(AuditChain.record(entry, sequence: 1, at: Moment(milliseconds: 5)) == canonical(entry, 1, 5))
        entry.actor = "local:root"
        entry.actorKeyID = "0011"
        entry.tenant = "acme"
        entry.keyID = "2233"
        entry.subject = "Zoë \"\\/\u{7f}\u{1}\n😀"
        entry.sourceAddress = "192.0.2.1"
        entry.requestID = "r"
        entry.execution = "exe_1"
        entry.sandbox = "sbx"
        entry.template = "t"
        entry.language = "python"
        entry.codeDigest = "ab"
        entry.codeBytes = 1
        entry.contextDigest = "cd"
        entry.contextBytes = 2
        entry.timeoutAsked = 3
        entry.timeoutGranted = 4
        entry.outcome = "completed"
        entry.reason = "deadline"
        entry.runtime = 5
        entry.overrun = 6
        entry.outputBytes = .min
        entry.exception = "ValueError"
        entry.before = .object(["a": .array([.null, .bool(true)])])
        entry.after = .object([:])
        #expect(AuditChain.record(entry, sequence: .max, at: Moment(milliseconds: -1)) == canonical(entry, .max, -1))
    }

    private func canonical(_ entry: AuditEntry, _ sequence: Int64, _ at: Int64) -> String {
        var members = Dictionary(
            uniqueKeysWithValues: entry.members.compactMap { name, value in value.map { (name, $0) } })
        members["v"] = .integer(1)
        members["stream"] = .string("main")
        members["sequence"] = .integer(sequence)
        members["at_ms"] = .integer(at)
        return CanonicalJSON.object(members).text
    }
}

import Auth
import Foundation
import Quota
import TestSupport
import Testing

@testable import Ledger

struct AuditTests {
    /// A ledger with some history, and its database changed behind its back.
    private func tampered(_ sql: String...) async throws -> AuditVerification {
        let test = try await TestLedger()
        for _ in 0..<5 {
            let lease = try await test.ledger.admit(test.order())
            _ = try await test.ledger.settle(lease, with: .completed(held: 1))
        }
        let before = try await test.ledger.verifyAudit()
        let last = try #require(try await test.audit().last)
        #expect(before.isIntact && before.verified == 13 && before.first == 1)
        #expect(before.last == 13 && before.lastHash == last.hash && before.notes.isEmpty)
        for statement in sql { try test.ledger.tamper(statement) }
        return try await test.ledger.verifyAudit()
    }

    @Test("An altered record is found")
    func altered() async throws {
        let found = try await tampered(
            "UPDATE audit SET record = replace(record, 'user-42', 'user-43') WHERE sequence = 6")
        #expect(found.fault?.sequence == 6 && found.verified == 5)
    }

    @Test("A record altered together with its hash is found at the next one")
    func alteredWithHash() async throws {
        let record = #"{"at_ms":1,"sequence":6}"#
        let found = try await tampered(
            "UPDATE audit SET record = '\(record)', hash = \(TestLedger.dialect.zeros(32)) WHERE sequence = 6")
        #expect(found.fault?.sequence == 6)
    }

    @Test("A dropped record is found, the last one too", arguments: [1, 7, 13])
    func deleted(sequence: Int64) async throws {
        let found = try await tampered("DELETE FROM audit WHERE sequence = \(sequence)")
        #expect(found.verified == sequence - 1)
        #expect(
            found.fault
                == AuditVerification.Fault(sequence: sequence, kind: .missing, problem: "the record is missing"))
    }

    @Test("Everything dropped is found")
    func allDeleted() async throws {
        #expect(try await tampered("DELETE FROM audit").fault?.sequence == 1)
        #expect(try await tampered("DELETE FROM audit", "DELETE FROM chain").fault?.sequence == 1)
    }

    @Test("What somebody hides behind a NUL is found", .ofAFile)
    func behindNUL() async throws {
        let found = try await tampered(
            "UPDATE audit SET record = CAST(CAST(record AS BLOB) || x'00' || 'more' AS TEXT) WHERE sequence = 6")
        #expect(found.fault?.sequence == 6)
    }

    @Test(
        "Rows altered, deleted, swapped, cut off or appended at random: the first that was touched is named",
        arguments: 0..<60)
    func atRandom(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let test = try await TestLedger()
        for _ in 0..<8 { _ = try await test.ledger.admit(test.order()) }
        let last = Int64(3 + 8)
        let place = Int64.random(in: 2...last, using: &generator)
        let other = Int64.random(in: 1..<place, using: &generator)
        let (sql, first): (String, Int64) =
            switch Int.random(in: 0..<5, using: &generator) {
            case 0:
                ("UPDATE audit SET record = replace(record, '\"v\":1', '\"v\": 1') WHERE sequence = \(place)", place)
            case 1: ("DELETE FROM audit WHERE sequence = \(place)", place)
            case 2:
                (
                    """
                    UPDATE audit SET sequence = 1000 WHERE sequence = \(place);
                    UPDATE audit SET sequence = \(place) WHERE sequence = \(other);
                    UPDATE audit SET sequence = \(other) WHERE sequence = 1000
                    """, other
                )
            case 3: ("DELETE FROM audit WHERE sequence >= \(place)", place)
            default:
                (
                    """
                    INSERT INTO audit (sequence, hash, record)
                    SELECT \(last + 1), hash, record FROM audit WHERE sequence = \(place)
                    """, last + 1
                )
            }
        try test.ledger.tamper(sql)
        #expect(try await test.ledger.verifyAudit().fault?.sequence == first, "\(sql)")
    }

    @Test("Swapped records are found")
    func swapped() async throws {
        let found = try await tampered(
            "UPDATE audit SET sequence = 100 WHERE sequence = 4", "UPDATE audit SET sequence = 4 WHERE sequence = 5",
            "UPDATE audit SET sequence = 5 WHERE sequence = 100")
        #expect(found.fault?.sequence == 4)
    }

    @Test("A record appended from outside is found")
    func appended() async throws {
        for (sequence, first) in [(14, 14), (0, 1)] as [(Int, Int64)] {
            let row = "(\(sequence), \(TestLedger.dialect.zeros(32)), '{}')"
            let found = try await tampered("INSERT INTO audit (sequence, hash, record) VALUES \(row)")
            #expect(found.fault?.sequence == first)
        }
    }

    @Test("A chain that was cut back, end and all, no longer leads to what is kept elsewhere")
    func headMoved() async throws {
        let found = try await tampered("UPDATE chain SET hash = \(TestLedger.dialect.zeros(32))")
        #expect(found.fault?.sequence == 14)
    }

    @Test("Records say what is documented, in canonical form, and chain by hand")
    func canonical() async throws {
        let test = try await TestLedger()
        var order = test.order(code: "x")
        order.subject = "Zoë 🦊\u{2028}\"\\"
        _ = try await test.ledger.admit(order)
        var previous = [UInt8](repeating: 0, count: 32)
        for record in try await test.audit() {
            #expect(record.hash == Digest.sha256(previous + Array(record.canonical.utf8)))
            #expect(record.canonical.utf8.allSatisfy { (0x20...0x7e).contains($0) })
            previous = record.hash
        }
        let record = try #require(try await test.audit(.executionAdmitted).last)
        #expect(record.entry.subject == order.subject)
        #expect(record.canonical.contains(#""subject":"Zo\u00eb \ud83e\udd8a\u2028\"\\""#))
        #expect(record.canonical.hasPrefix(#"{"action":"execution.admitted","at_ms":1800000000000,"code_bytes":1,"#))
        #expect(
            record.canonical.hasSuffix(
                #""template":"code-interpreter-v1","tenant":"acme","timeout_asked_ms":1000,"timeout_granted_ms":1000,"v":1}"#
            ))
        #expect(record.at == test.clock.now)
    }

    @Test("Canonical JSON is what Python writes")
    func python() throws {
        let texts = (0..<0x500).compactMap(UnicodeScalar.init).map(String.init) + ["🦊", "\u{2028}", "\u{ffff}"]
        let value = CanonicalJSON.object([
            "b": .array([.integer(.min), .integer(.max), .bool(true), .null, .object([:]), .array([])]),
            "a": .array(texts.map(CanonicalJSON.string)), "B": .string(""), "é": .bool(false), "a b": .integer(0),
        ])
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "python3", "-c",
            "import json,sys; print(json.dumps(json.load(sys.stdin), sort_keys=True, separators=(',', ':')), end='')",
        ]
        let (stdin, stdout) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        try process.run()
        try stdin.fileHandleForWriting.write(contentsOf: Data(value.text.utf8))
        try stdin.fileHandleForWriting.close()
        let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(String(decoding: output, as: UTF8.self) == value.text)
        #expect(try JSONDecoder().decode(CanonicalJSON.self, from: output) == value)
    }

    @Test("Queries filter, page and stay within bounds")
    func queries() async throws {
        let test = try await TestLedger()
        try await test.ledger.createTenant("beta", by: "test")
        let lease = try await test.ledger.admit(test.order())
        _ = try await test.ledger.settle(lease, with: .completed(held: 1))
        let ledger = test.ledger
        let own = try await ledger.auditRecords(AuditQuery(tenant: "acme"))
        #expect(own.map(\.entry.action) == [.tenantCreated, .keyIssued, .executionAdmitted, .executionFinished])
        let call = try await ledger.auditRecords(AuditQuery(execution: lease.executionID.text))
        #expect(call.map(\.entry.action) == [.executionAdmitted, .executionFinished])
        #expect(try await ledger.auditRecords(AuditQuery(tenant: "beta", execution: lease.executionID.text)).isEmpty)
        var paged: [Int64] = []
        while true {
            let page = try await ledger.auditRecords(AuditQuery(limit: 2, after: paged.last ?? 0))
            guard !page.isEmpty else { break }
            #expect(page.count <= 2)
            paged += page.map(\.sequence)
        }
        #expect(paged == Array(1...6))
        #expect(AuditQuery(limit: 1_000_000).limit == 1_000 && AuditQuery(limit: -1).limit == 1)
    }

    @Test("The chain begins with who made the ledger")
    func firstRecord() async throws {
        let first = try #require(try await TestLedger().audit().first)
        #expect(first.sequence == 1 && first.entry.action == .ledgerCreated && first.entry.actor == "test")
    }
}

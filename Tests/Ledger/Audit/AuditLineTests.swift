import Auth
import Testing

@testable import Ledger

struct AuditLineTests {
    private func scanned(_ text: String) throws(MalformedLine) -> Bool {
        var scanner = CanonicalScanner(Array(text.utf8)[...])
        try scanner.value()
        return scanner.isAtEnd
    }

    @Test("Whatever canonical JSON is written is read")
    func canonical() throws {
        let texts = (0..<0x500).compactMap(UnicodeScalar.init).map(String.init) + ["🦊", "\u{2028}", "\u{ffff}"]
        var members = Dictionary(texts.map { ($0, CanonicalJSON.string($0)) }) { one, _ in one }
        members["texts"] = .array(texts.map(CanonicalJSON.string))
        members["list"] = .array([.integer(.min), .integer(.max), .integer(0), .bool(true), .bool(false), .null])
        members["empty"] = .array([.array([]), .object([:]), .string("")])
        #expect(try scanned(CanonicalJSON.object(members).text))
    }

    @Test(
        "What canonical JSON never writes is refused",
        arguments: [
            "", " ", "{ }", "[1, 2]", #"{"a": 1}"#, #"{"b":1,"a":2}"#, #"{"a":1,"a":2}"#, #"{"\u00e9":1,"z":2}"#,
            "[1,]",
            #"{"a":1,}"#, "01", "-0", "+1", "1.0", "1e3", "9223372036854775808", "-9223372036854775809", "--1", "-",
            "nul", "True", #""\/""#, #""\u0041""#, #""\u000a""#, #""\u00E9""#, #""\ud83e""#, #""\udd8a""#,
            #""\ud83e\ud83e""#, #""\ud83ex""#, #""\u12""#, "\"\u{7f}\"", "\"é\"", "\"a\nb\"", #""a"#, #""\"#, "'a'",
            "NaN",
            "[", "{", #"{"a""#, #"{"a":"#, "{1:2}",
            String(repeating: "[", count: 65) + String(repeating: "]", count: 65),
        ])
    func notCanonical(text: String) {
        #expect(throws: MalformedLine.self, "\(text)") {
            guard try scanned(text) else { throw MalformedLine("more follows") }
        }
    }

    @Test("Members are in the order of code points, also where UTF-16 has another")
    func order() throws {
        #expect(try scanned(#"{"\uffff":1,"\ud83e\udd8a":2}"#))
        #expect(throws: MalformedLine.self) { try scanned(#"{"\ud83e\udd8a":2,"\uffff":1}"#) }
        let deepest = CanonicalScanner.maximumDepth
        #expect(try scanned(String(repeating: "[", count: deepest) + String(repeating: "]", count: deepest)))
    }

    @Test("A record's line is read back as it was written, from the ledger as well")
    func records() async throws {
        for line in ExampleChain(records: 3).lines {
            #expect(try AuditLine(Array(line.text.utf8)[...]) == line)
        }
        let test = try await TestLedger()
        _ = try await test.ledger.admit(test.order(subject: "Zoë \"\\"))
        var previous = [UInt8](repeating: 0, count: 32)
        for record in try await test.audit() {
            #expect(record.previous == previous && record.stream == "main")
            #expect(try AuditLine(Array(record.line.utf8)[...]) == .record(record))
            previous = record.hash
        }
        let second = try #require(try await test.ledger.auditRecords(AuditQuery(limit: 1, after: 1)).first)
        let first = try #require(try await test.audit().first)
        #expect(second.previous == first.hash)
    }

    @Test("A line that says something else than its record, or is written otherwise, is malformed")
    func malformed() throws {
        let good = ExampleChain(records: 1).lines[0].text
        let end = #","sequence":1,"stream":"main"}"#
        let hash = String(good.dropFirst(9).prefix(64))
        let changes: [(String, String)] = [
            (end, #","sequence":2,"stream":"main"}"#), (end, #","sequence":1,"stream":"other"}"#),
            (end, #","sequence":1,"stream":"main"} "#), (end, #","sequence":1,"stream":"main"}}"#),
            (end, #","sequence":01,"stream":"main"}"#), (end, #","sequence":1}"#), (end, #","stream":"main"}"#),
            (hash, hash.uppercased()), (hash, String(hash.dropLast())), (#"{"hash":"#, #"{"hash" :"#),
            (#""v":1}"#, #""v":2}"#), (#","v":1}"#, "}"), (#""v":1}"#, #""v":1,"z":1.5}"#), (#""v":1}"#, #""v":1 }"#),
            (#","stream":"main","subject""#, #","subject""#),
        ]
        for (text, other) in changes {
            #expect(good.contains(text), "\(text)")
            let broken = good.replacing(text, with: other, maxReplacements: 1)
            #expect(throws: MalformedLine.self, "\(other)") { try RawLine(Array(broken.utf8)[...]) }
        }
        for (line, reason) in [
            ("", "is empty"), (good + "\r", "ends with CR LF instead of LF"),
            ("{}", "begins neither as a record's nor as a checkpoint's"),
        ] {
            #expect(throws: MalformedLine(reason)) { try RawLine(Array(line.utf8)[...]) }
        }
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: AuditLine.maximumLength + 1)
        #expect(throws: MalformedLine("is longer than 16 MiB")) { try RawLine(long[...]) }
    }

    @Test("A record of an action unknown here can be verified and handed on, and says nothing")
    func unknownAction() throws {
        let record = #"{"action":"made.up","at_ms":1,"sequence":1,"stream":"main","v":1}"#
        let hash = AuditChain.hash(after: AuditHead.start.hash, record: record)
        let line = ExampleChain.line(record, sequence: 1, previous: AuditHead.start.hash, hash: hash)
        #expect(ChainVerifier.verify([line]).isIntact)
        guard case .record(let read) = try AuditLine(Array(line.utf8)[...]) else {
            Issue.record("it is a record")
            return
        }
        #expect(!read.isReadable && read.line == line)
    }
}

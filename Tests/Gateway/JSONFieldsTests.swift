import NIOCore
import TestSupport
import Testing

@testable import Gateway

@Suite struct JSONFieldsTests {
    private func fields(_ text: String) throws -> JSONFields { try JSONFields(ByteBuffer(string: text)) }

    @Test func readsEveryKindOfValue() throws {
        var fields = try fields(#" {"s": "aé😀\n\u00e9\ud83d\ude00", "n": -1.5e2, "m": {"A": "1"}, "z": null} "#)
        #expect(try fields.string("s") == "aé😀\né😀")
        #expect(try fields.number("n") == -150)
        #expect(try fields.stringMap("m") == ["A": "1"])
        #expect(try fields.string("z") == nil)
        try fields.refuseOthers()
    }

    @Test(arguments: [
        (#"[1.10, 12345678901234567890, {"b": "\u00e9 \" x"}]"#, #"[1.10,12345678901234567890,{"b":"\u00e9 \" x"}]"#),
        (#"{"x": 1e400, "y" : [ ] }"#, #"{"x":1e400,"y":[]}"#), ("[\n]", "[]"),
    ])
    func keepsTheTextOfNestedValuesButForWhiteSpace(text: String, compact: String) throws {
        var fields = try fields(#"{"a": "# + text + "}")
        #expect(try fields.text("a") == compact)
    }

    @Test(arguments: [
        ("", "expected {"), ("[]", "expected {"), ("{", "a name in quotes"), (#"{"a"}"#, "expected :"),
        (#"{"a": 1,}"#, "a name in quotes"), (#"{"a": 01}"#, "expected , or }"), (#"{"a": +1}"#, "expected a value"),
        (#"{"a": 1} x"#, "nothing more"), (#"{"a": "x}"#, "without an end"), (#"{"a": tru}"#, "expected a value"),
        (#"{"a": "\x"}"#, "unknown escape"), (#"{"a": "\u12"}"#, "four hex digits"), ("{\"a\": \"\n\"}", "control"),
        (#"{"a": 1, "a": 2}"#, "occurs twice"), (#"{"a": "\ud800"}"#, "lone surrogate"),
        (#"{"a": "\udc00\ud800"}"#, "lone surrogate"), (#"{"a": "\ud800\u0041"}"#, "lone surrogate"),
        (#"{"a": [{"b": "\ud800"}]}"#, "lone surrogate"), (#"{"a": "\ud83d"#, "lone surrogate"),
    ])
    func saysWhatIsWrong(text: String, reason: String) {
        let problem = #expect(throws: Problem.self) { try fields(text) }
        #expect(problem?.type == .invalidRequest)
        #expect(problem?.detail.contains(reason) == true, "\(problem?.detail ?? "")")
    }

    @Test func refusesBytesThatAreNotUTF8() {
        let bytes = Array(#"{"a": ""#.utf8) + [0xFF] + Array(#""}"#.utf8)
        #expect(throws: Problem.self) { try JSONFields(ByteBuffer(bytes: bytes)) }
    }

    @Test func refusesDeepNestingWithoutFalling() {
        let text = #"{"a": "# + String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000) + "}"
        let problem = #expect(throws: Problem.self) { try fields(text) }
        #expect(problem?.detail.contains("deep") == true)
    }

    @Test func namesTypesAndUnknownFields() throws {
        var fields = try fields(#"{"code": 1, "tiemout": 2, "env": {"A": 1}}"#)
        #expect(throws: Problem.self) { try fields.string("code") }
        #expect(throws: Problem.self) { try fields.stringMap("env") }
        let problem = #expect(throws: Problem.self) { try fields.refuseOthers() }
        #expect(problem?.detail.contains("\"tiemout\"") == true)
        #expect(problem?.detail.contains("code, env") == true)
    }

    /// Whatever the bytes are, reading them ends, and what is accepted is accepted by Foundation too.
    @Test func survivesMutations() {
        var random = SeededGenerator(seed: 7)
        let seed = Array(#"{"code": "print(\"é\u00e9\")", "n": [1, 2.5e3, {"k": null}], "b": true}"#.utf8)
        for _ in 0..<5_000 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            var scanner = JSONScanner(bytes)
            if (try? scanner.object()) != nil {
                #expect(FoundationJSON.accepts(bytes), "\(bytes)")
            }
        }
    }
}

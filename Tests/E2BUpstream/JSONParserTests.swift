import Foundation
import Testing

@testable import E2BUpstream

/// The parser agrees with Foundation's, and forgives where Python's encoder is careless.
struct JSONParserTests {
    @Test(arguments: [
        "null", " true ", "false", "0", "-0", "17", "-9223372036854775808", "1.5", "-2.5e-1", "1E-2", "\"\"", "\"a\"",
        "[]", "[ ]", "[1, [2, {\"a\": null}]]", "{}", "{ \"a\" : 1 , \"b\" : \"c\" }",
        "\"\\u00e9\\n\\t\\\\\\/\\\"\\b\\f\\r\"",
        "\"\\ud83c\\udff3\\ufe0f\"", "\"é漢🏳️‍🌈\u{2028}\"", "{\"\\u0061\": [true, false, null, \"x\"]}",
    ]) func `valid JSON means what Foundation reads`(text: String) throws {
        let expected = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        #expect(try JSONParser.parse(Array(text.utf8)) == expected)
        let encoded = try JSONEncoder().encode(expected)
        #expect(try JSONParser.parse(Array(encoded)) == expected)
    }

    @Test(arguments: [
        "", " ", "nul", "tru", "01", "-", "1.", ".5", "1e", "+1", "\"", "\"a", "\"\\x\"", "\"\\u12\"", "\"\n\"", "[1,]",
        "[1 2]", "[", "]", "{\"a\"}", "{\"a\":}", "{a: 1}", "{\"a\":1,}", "1 2", "<html>", "'a'", "nan", "\"\\u-123\"",
    ]) func `anything else is malformed`(text: String) {
        #expect(throws: JSONParser.Failure.malformed) { try JSONParser.parse(Array(text.utf8)) }
    }

    @Test func `what JSON cannot say becomes the nearest thing it can`() throws {
        #expect(
            try JSONParser.parse(Array("[NaN, Infinity, -Infinity, 1e999]".utf8))
                == .array([.null, .null, .null, .null]))
        #expect(try JSONParser.parse(Array(#""\ud800""#.utf8)) == .string("\u{fffd}"))
        #expect(try JSONParser.parse(Array(#""\udc00\ud800x""#.utf8)) == .string("\u{fffd}\u{fffd}x"))
        #expect(try JSONParser.parse(Array(#""\ud800\u0041""#.utf8)) == .string("\u{fffd}A"))
        #expect(try JSONParser.parse([0x22, 0xff, 0x22]) == .string("\u{fffd}"))
    }

    @Test func `numbers keep their kind`() throws {
        #expect(
            try JSONParser.parse(Array("[1, 1.0, 9223372036854775808]".utf8))
                == .array([.integer(1), .number(1), .number(9223372036854775808)]))
    }

    @Test func `nesting is bounded`() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array(repeating: UInt8(ascii: "["), count: depth) + Array(repeating: UInt8(ascii: "]"), count: depth)
        }
        #expect(throws: Never.self) { try JSONParser.parse(nested(128)) }
        #expect(throws: JSONParser.Failure.tooDeep) { try JSONParser.parse(nested(129)) }
        #expect(throws: JSONParser.Failure.tooDeep) { try JSONParser.parse(nested(1_000_000)) }
    }
}

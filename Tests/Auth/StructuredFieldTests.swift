import Testing

@testable import Auth

struct StructuredFieldTests {
    @Test(
        "Dictionaries are read and written in their one canonical form (RFC 9651)",
        arguments: [
            ("", ""), ("  a  ", "a"), ("a=1", "a=1"), ("a=1,b=2", "a=1, b=2"), ("a=1 \t,\t b=2", "a=1, b=2"),
            ("a=-0", "a=0"), ("a=007", "a=7"), ("a=999999999999999", "a=999999999999999"), ("a=1.50", "a=1.5"),
            ("a=-0.001", "a=-0.001"), ("a=2.0", "a=2.0"), ("a=\"x \\\" \\\\\"", "a=\"x \\\" \\\\\""),
            ("a=tok/en:*", "a=tok/en:*"),
            ("a=*x", "a=*x"), ("a=::", "a=::"), ("a=:aGk=:", "a=:aGk=:"), ("a=?1", "a"), ("a=?0", "a=?0"),
            ("a;x;y=2", "a;x;y=2"),
            ("a=?1; x", "a;x"), ("a=()", "a=()"), ("a=( 1   2 )", "a=(1 2)"),
            ("a=(\"x\";y \"z\");k=v", "a=(\"x\";y \"z\");k=v"),
            ("*a_-.*0=1", "*a_-.*0=1"),
        ])
    func canonical(text: String, expected: String) throws {
        let dictionary = try StructuredFieldParser.dictionary(text)
        #expect(dictionary.text == expected)
        #expect(try StructuredFieldParser.dictionary(dictionary.text) == dictionary)
    }

    @Test(
        "What is not of the form is refused, and what would be read as the last of two is, too",
        arguments: [
            "a=", "a=1,", "a=1,,b", ",a", "A=1", "1=a", "a =1", "a= 1", "a=1 b=2", "\ta", "a\t;b\n",
            "a=1000000000000000", "a=1.", "a=1.2345",
            "a=1234567890123.1", "a=-", "a=--1", "a=.5", "a=\"", "a=\"x", "a=\"\\x\"", "a=\"\u{7f}\"", "a=\"ä\"",
            "a=\"\t\"", "a=:aGk:",
            "a=:aGk=", "a=:aGl=:", "a=:a k=:", "a=:aG=k:", "a=:a-_=:", "a=?2", "a=?", "a=@1", "a=(", "a=(1", "a=(1,2)",
            "a=(\"x\"\"y\")",
            "a=((1))", "a;", "a;X", "a=1;x=", "a=1,a=2", "a;x;x", "a=(\"x\";y;y)", "a=ä", "ä=1", "a=1\0", "a=1\r\n",
        ])
    func refused(text: String) {
        #expect(throws: StructuredFieldFailure.self) { try StructuredFieldParser.dictionary(text) }
    }

    @Test("Everything is bounded")
    func bounds() throws {
        func keys(_ count: Int) -> String { (0..<count).map { "k\($0)" }.joined(separator: ",") }
        func list(_ count: Int) -> String { "a=(" + (0..<count).map(String.init).joined(separator: " ") + ")" }
        func parameters(_ count: Int) -> String { "a" + (0..<count).map { ";p\($0)" }.joined() }
        for make in [keys, list, parameters] {
            _ = try StructuredFieldParser.dictionary(make(64))
            #expect(throws: StructuredFieldFailure.self) { try StructuredFieldParser.dictionary(make(65)) }
        }
        let long = "a=\"" + String(repeating: "x", count: StructuredFieldParser.maximumLength - 4)
        _ = try StructuredFieldParser.dictionary(long + "\"")
        #expect(throws: StructuredFieldFailure.self) { try StructuredFieldParser.dictionary(long + "x\"") }
        #expect(throws: StructuredFieldFailure.self) {
            try StructuredFieldParser.dictionary(String(repeating: "a=(", count: 1_000_000))
        }
    }

    @Test(
        "Base64 gives RFC 4648's texts, and reads them back",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func base64(bytes: String, text: String) {
        #expect(Base64.text(Array(bytes.utf8)) == text)
        #expect(Base64.bytes(ArraySlice(text.utf8)) == Array(bytes.utf8))
    }

    @Test("Every byte survives base64")
    func base64Bytes() {
        let bytes = (0...255).map(UInt8.init)
        for count in 0...256 {
            let text = Base64.text(Array(bytes.prefix(count)))
            #expect(Base64.bytes(ArraySlice(text.utf8)) == Array(bytes.prefix(count)))
        }
    }

    @Test(
        "Base64 has one way only to write each value",
        arguments: [
            "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm 9v", "Zm9v\n", "Zm-_", "=Zg=",
        ])
    func base64Refused(text: String) {
        #expect(Base64.bytes(ArraySlice(text.utf8)) == nil)
    }
}

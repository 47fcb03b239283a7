import Auth
import Testing

struct KeyTests {
    @Test("A root key reads what it exports, in either case, and nothing else")
    func rootKeyText() throws {
        let text = RootKey.random().exported()
        #expect(text.utf8.count == 64)
        #expect(try RootKey(text: text).exported() == text)
        #expect(try RootKey(text: text.uppercased()).exported() == text)
        for wrong in ["", String(text.dropLast()), text + "0", text + "\n", String(repeating: "g", count: 64)] {
            #expect(throws: RootKeyFailure.malformed) { try RootKey(text: wrong) }
        }
    }

    @Test("A key id reads its own print and nothing else")
    func keyIDText() {
        let id = KeyID.random()
        #expect(KeyID("\(id)") == id)
        #expect("\(id)".utf8.count == 16)
        for wrong in ["", "0123456789abcde", "0123456789ABCDEF", "0123456789abcdeg", "0123456789abcdef0"] {
            #expect(KeyID(wrong) == nil)
        }
    }

    @Test("A key secret is exactly 32 bytes")
    func secretLength() {
        #expect(KeySecret(bytes: SecureRandom.bytes(32)) != nil)
        #expect(KeySecret(bytes: SecureRandom.bytes(31)) == nil)
        #expect(KeySecret(bytes: []) == nil)
    }

    @Test("No secret shows when it is printed, dumped or reflected")
    func redaction() throws {
        let bytes = SecureRandom.bytes(32)
        let secret = try #require(KeySecret(bytes: bytes))
        let root = try RootKey(text: Hex.text(bytes))
        let token = Token.mint(.random(), secret: secret)
        let tag = String(token.text.suffix(64))
        for shown in [shownForms(of: secret), shownForms(of: root)] {
            #expect(!shown.contains(Hex.text(bytes)))
            #expect(!shown.contains(bytes.map(String.init).joined(separator: ", ")))
            #expect(!shown.contains(bytes.prefix(3).map { "- \($0)\n" }.joined()))
        }
        let shown = shownForms(of: token)
        #expect(!shown.contains(tag))
        let tagBytes = try #require(Hex.bytes(tag))
        #expect(!shown.contains(tagBytes.map(String.init).joined(separator: ", ")))
    }

    private func shownForms(of value: some Any) -> String {
        var dumped = ""
        dump(value, to: &dumped)
        return "\(value) \(String(reflecting: value)) \([value]) \(dumped)"
    }
}

import Auth
import TestSupport
import Testing

struct TokenParsingTests {
    private let keyID = KeyID.random()
    private let secret = KeySecret.random()

    private func narrowedToken() throws -> Token {
        try Token.mint(keyID, secret: secret)
            .narrowed(by: .notBefore(0)).narrowed(by: .scopes([.execute])).narrowed(by: .subject("user-42"))
            .narrowed(by: .templates(["code-interpreter-v1", "base"])).narrowed(by: .maximumTimeout(milliseconds: 7))
            .narrowed(by: .languages(["python"])).narrowed(by: .signedOnly)
            .narrowed(by: .sourceNetworks([#require(SourceNetwork("10.0.0.0/8")), #require(SourceNetwork("::1"))]))
    }

    private func isRefused(_ text: String) -> Bool {
        guard let token = try? Token(parsing: text) else { return true }
        let verifier = TokenVerifier(keyID: keyID, secret: secret)
        return (try? verifier.verify(token, at: 1_800_000_000)) == nil
    }

    @Test("Texts of the wrong form are malformed")
    func malformed() throws {
        let text = try narrowedToken().text
        let wrong = [
            "", "e2b_", "e2b", "E2B_" + text.dropFirst(4), text.uppercased(), String(text.dropLast()), text + "0",
            text + "00",
            " " + text, text + "\n", "sk_" + text.dropFirst(4), "e2b_" + String(repeating: "0", count: 82),
            "e2b_02" + text.dropFirst(6), text.replacing("a", with: "A"), "e2b_01\u{301}" + text.dropFirst(6),
            "e2b_" + String(repeating: "00", count: 524_288),
        ]
        for text in wrong {
            #expect(throws: TokenFailure.self) { try Token(parsing: text) }
        }
    }

    @Test("Every truncation is refused")
    func truncations() throws {
        let text = try narrowedToken().text
        for length in 0..<text.count { #expect(isRefused(String(text.prefix(length)))) }
        for length in 1..<text.count { #expect(isRefused(String(text.suffix(length)))) }
    }

    @Test(
        "Unknown types, lengths beyond the token and values of the wrong form are refused",
        arguments: [
            ("3f0000", TokenFailure.unknownCaveat(0x3f)), ("0a0000", .unknownCaveat(10)),
            ("000000", .malformed("")), ("400000", .malformed("")), ("ff0000", .malformed("")),
            ("01", .malformed("")), ("0100", .malformed("")), ("010000", .malformed("")),
            ("01000700000000000000", .malformed("")),
            ("01ffff0000000000000000", .malformed("")), ("03000400000004", .malformed("")),
            ("030003000001", .malformed("")),
            ("040000", .malformed("")), ("040001ff", .malformed("")), ("04000100", .malformed("")),
            ("0400017f", .malformed("")),
            ("0500080000000000000000", .malformed("")), ("050008ffffffffffffffff", .malformed("")),
            ("060000", .malformed("")),
            ("06000100", .malformed("")), ("0600020261", .malformed("")), ("060002012f61", .malformed("")),
            ("06000201c3", .malformed("")),
            ("070000", .malformed("")), ("07000100", .malformed("")), ("0700020120", .malformed("")),
            ("0700022161", .malformed("")), ("080000", .malformed("")), ("080006042000000000ff", .malformed("")),
            ("080006042100000000", .malformed("")), ("08000604080a800000", .malformed("")),
            ("080006040a0a700000", .malformed("")), ("08000604080a000001", .malformed("")),
            ("08000605080a000000", .malformed("")), ("0800050408000000", .malformed("")),
            ("0800126808" + String(repeating: "00", count: 10) + "ffff0a000000", .malformed("")),
            ("0800120668" + String(repeating: "00", count: 10) + "ffff0a000000", .malformed("")),
            ("09000100", .malformed("")), ("03000400004000", .malformed("")), ("03000400000080", .malformed("")),
        ])
    func wrongCaveats(caveat: String, expected: TokenFailure) {
        let text = "e2b_01\(keyID)" + caveat + String(repeating: "0", count: 64)
        do throws(TokenFailure) {
            _ = try Token(parsing: text)
            Issue.record("accepted \(caveat)")
        } catch {
            switch (error, expected) {
            case (.malformed, .malformed): break
            default: #expect(error == expected)
            }
        }
    }

    @Test("A text with 32 caveats parses, one with 33 does not")
    func tooManyCaveats() throws {
        let caveat = "0100080000000000000000"
        let tag = String(repeating: "0", count: 64)
        let most = "e2b_01\(keyID)" + String(repeating: caveat, count: 32)
        #expect(try Token(parsing: most + tag).caveats.count == 32)
        #expect(throws: TokenFailure.malformed("more than 32 caveats")) { try Token(parsing: most + caveat + tag) }
    }

    @Test("No reason quotes the token")
    func reasonsAreSilent() throws {
        let text = try narrowedToken().text
        for index in stride(from: 0, to: text.count - 1, by: 1) {
            var characters = Array(text)
            characters[index] = "!"
            do throws(TokenFailure) {
                _ = try Token(parsing: String(characters))
            } catch {
                #expect(!"\(error)".contains(text.suffix(16)))
                #expect(!"\(error)".contains(keyID.description))
            }
        }
    }

    @Test("Any byte replaced by any other is refused")
    func everyByte() throws {
        let text = try narrowedToken().text
        let bytes = try #require(Hex.bytes(text.dropFirst(4)))
        for index in bytes.indices {
            for mask in UInt8(1)...255 {
                var altered = bytes
                altered[index] ^= mask
                #expect(isRefused("e2b_" + Hex.text(altered)), "byte \(index) ^ \(mask)")
            }
        }
    }

    @Test("Random edits never crash, never pass, and what parses prints itself again", arguments: 0..<8)
    func randomEdits(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let text = try narrowedToken().text
        let original = try #require(Hex.bytes(text.dropFirst(4)))
        for _ in 0..<2_500 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) { edit(&bytes, with: &generator) }
            guard bytes != original else { continue }
            let altered = "e2b_" + Hex.text(bytes)
            #expect(isRefused(altered))
            if let token = try? Token(parsing: altered) { #expect(token.text == altered) }
        }
    }

    private func edit(_ bytes: inout [UInt8], with generator: inout SeededGenerator) {
        guard !bytes.isEmpty else { return bytes.append(.random(in: 0...255, using: &generator)) }
        let index = Int.random(in: bytes.indices, using: &generator)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: bytes[index] = .random(in: 0...255, using: &generator)
        case 1: bytes.insert(.random(in: 0...255, using: &generator), at: index)
        case 2: bytes.remove(at: index)
        case 3: bytes.removeSubrange(index..<min(bytes.endIndex, index + .random(in: 1...16, using: &generator)))
        default: bytes.swapAt(index, Int.random(in: bytes.indices, using: &generator))
        }
    }
}

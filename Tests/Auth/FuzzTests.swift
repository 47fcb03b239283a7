import TestSupport
import Testing

@testable import Auth

/// Random edits of valid input and random input. Nothing may crash, nothing that was changed may pass, and whatever is
/// read is written again as it was.
struct FuzzTests {
    private let fuzz = Fuzz()
    private let fixture = SigningFixture()

    private func everyCaveat() throws -> [Caveat] {
        let networks = try ["10.0.0.0/8", "2001:db8::/32", "::ffff:192.0.2.0/120"].map {
            try #require(SourceNetwork($0))
        }
        return [
            .notBefore(0), .notAfter(1_900_000_000), .scopes([.execute, .read]), .subject("Zoë"),
            .maximumTimeout(milliseconds: 7),
            .templates(["a", "b/c"]), .languages(["python"]), .sourceNetworks(networks), .signedOnly,
        ]
    }

    @Test("Tokens")
    func tokens() throws {
        let token = try everyCaveat().reduce(fixture.token()) { try $0.narrowed(by: $1) }
        let original = try #require(Hex.bytes(token.text.dropFirst(4)))
        fuzz.run { generator, iteration in
            let bytes = generator.edit(original, with: ["\u{1}", "\u{8}\0\u{6}", "\u{9}\0\0", "\0", "\u{7f}"])
            let text = "e2b_" + Hex.text(bytes)
            guard bytes != original, let parsed = try? Token(parsing: text) else { return }
            #expect(parsed.text == text, "seed \(fuzz.seed), iteration \(iteration)")
            let claims = try? fixture.verifier.verify(parsed, at: fixture.now)
            #expect(claims == nil, "seed \(fuzz.seed), iteration \(iteration)")
        }
    }

    @Test("Caveats out of random bytes: what is read is in range, and is written as it was read")
    func caveats() throws {
        let encodings = try everyCaveat().map(\.encoded)
        fuzz.run { generator, iteration in
            let bytes =
                Bool.random(using: &generator)
                ? generator.edit(encodings.randomElement(using: &generator) ?? [], with: ["\0", "\u{4}\u{20}"])
                : (0..<Int.random(in: 0...40, using: &generator)).map { _ in UInt8.random(in: 0...12, using: &generator)
                }
            var rest = ArraySlice(bytes)
            guard let caveat = try? Caveat.parse(&rest) else { return }
            #expect(caveat.encoded == Array(bytes.dropLast(rest.count)), "seed \(fuzz.seed), iteration \(iteration)")
            #expect(throws: Never.self) { try caveat.validated() }
        }
    }

    @Test("Networks: what is read prints itself in the one form, and is read again")
    func networks() {
        let texts = ["10.0.0.0/8", "2001:db8::/32", "::ffff:192.0.2.0/120", "1:2:3:4:5:6:7:8", "::"]
        fuzz.run { generator, iteration in
            let original = texts.randomElement(using: &generator) ?? ""
            let bytes = generator.edit(
                Array(original.utf8), with: ["::", "/0", "/128", ".", ":", "ffff", "00", "1.2.3.4"])
            guard let network = SourceNetwork(String(decoding: bytes, as: UTF8.self)) else { return }
            #expect(SourceNetwork(network.description) == network, "seed \(fuzz.seed), iteration \(iteration)")
            var encoded = ArraySlice(network.encoded)
            #expect(SourceNetwork(takingFrom: &encoded) == network && encoded.isEmpty)
        }
    }

    @Test("Structured fields: what is read has one canonical form, which is read as the same")
    func structuredFields() throws {
        let texts = [
            #"e2b=("@method" "@path";sf);created=1;nonce="n\"\\";keyid="e2b_00", b=1.5;x, c=:aGk=:, *d=?0"#,
            "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
        ]
        let dictionary = [
            "\"", "\\", ";", "=", "(", ")", ",", " ", ":", "?1", "=?0", "-", ".", "*", "999999999999999", "a;b=1",
        ]
        fuzz.run { generator, iteration in
            let bytes = generator.edit(Array((texts.randomElement(using: &generator) ?? "").utf8), with: dictionary)
            guard let parsed = try? StructuredFieldParser.dictionary(String(decoding: bytes, as: UTF8.self)) else {
                return
            }
            let again = try? StructuredFieldParser.dictionary(parsed.text)
            #expect(again == parsed && again?.text == parsed.text, "seed \(fuzz.seed), iteration \(iteration)")
        }
    }

    @Test("Signed requests: whatever is changed is refused, unless it says the same in other words")
    func signatures() throws {
        let parts = fixture.signed(with: try fixture.token(.subject("u")))
        let original = try MessageSignature(parsing: parts.request)
        let meaning = try original.base.bytes(for: parts.request).get()
        let dictionary = [
            "\"@method\"", "\"@target-uri\"", " ", ";alg=\"hmac-sha256\"", ";expires=1", ", b=1", "e2b=", ":", "=",
            "sha-512=:AA==:",
        ]
        try fuzz.run { generator, iteration in
            var changed = parts
            let names = ["Signature-Input", "Signature", "Content-Digest"]
            for name in names where Int.random(in: 0..<2, using: &generator) == 0 {
                let bytes = generator.edit(Array(changed[name].utf8), with: dictionary)
                changed[name] = String(decoding: bytes, as: UTF8.self)
            }
            guard fixture.failure(changed) == nil else { return }
            let signature = try MessageSignature(parsing: changed.request)
            #expect(signature.signature == original.signature, "seed \(fuzz.seed), iteration \(iteration)")
            let same = try signature.base.bytes(for: changed.request).get() == meaning
            #expect(same, "seed \(fuzz.seed), iteration \(iteration)")
        }
    }

    @Test("Random fields never crash the parsers")
    func randomFields() {
        fuzz.run { generator, _ in
            let characters = Array(#"abe2_"=;,():?*-.0123456789 \@/+"#.utf8)
            func text() -> String {
                let length = Int.random(in: 0...120, using: &generator)
                return String(
                    decoding: (0..<length).map { _ in characters.randomElement(using: &generator) ?? 0 }, as: UTF8.self)
            }
            var parts = SigningFixture.Parts()
            for name in ["Signature-Input", "Signature", "Content-Digest"] { parts[name] = text() }
            #expect(fixture.failure(parts) != nil)
            _ = try? Token(parsing: text())
            _ = KeyID(text())
        }
    }
}

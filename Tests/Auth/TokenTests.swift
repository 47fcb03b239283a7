import Auth
import TestSupport
import Testing

struct TokenTests {
    private let keyID = KeyID.random()
    private let secret = KeySecret.random()
    private let now: Int64 = 1_800_000_000

    private var token: Token { Token.mint(keyID, secret: secret) }
    private var verifier: TokenVerifier { TokenVerifier(keyID: keyID, secret: secret) }

    /// What a token with these caveats allows, after a trip through its text.
    private func claims(_ caveats: Caveat...) throws -> Claims {
        var narrowed = token
        for caveat in caveats { narrowed = try narrowed.narrowed(by: caveat) }
        return try verifier.verify(Token(parsing: narrowed.text), at: now)
    }

    @Test("An unrestricted token allows what its key grants")
    func unrestricted() throws {
        let claims = try claims()
        #expect(claims.keyID == keyID)
        #expect(claims.scopes == [.execute, .read])
        #expect(claims.subject == nil)
        #expect(claims.maximumTimeout == nil)
        #expect(claims.templates == nil)
        #expect(claims.notAfter == nil)
    }

    @Test("A key that grants less gives tokens that allow less")
    func scopesOfTheKey() throws {
        let verifier = TokenVerifier(keyID: keyID, secret: secret, scopes: [.read])
        #expect(try verifier.verify(token, at: now).scopes == [.read])
        let narrowed = try token.narrowed(by: .scopes([.execute]))
        #expect(try verifier.verify(narrowed, at: now).scopes.isEmpty)
    }

    @Test("Each caveat survives its text and narrows")
    func everyCaveat() throws {
        let claims = try claims(
            .notBefore(now - 1), .notAfter(now + 60), .scopes([.read]), .subject("Zoë 🦊"),
            .maximumTimeout(milliseconds: 5_000), .templates(["code-interpreter-v1", "base"])
        )
        #expect(claims.notAfter == now + 60)
        #expect(claims.scopes == [.read])
        #expect(claims.subject == "Zoë 🦊")
        #expect(claims.maximumTimeout == 5_000)
        #expect(claims.templates == ["code-interpreter-v1", "base"])
    }

    @Test("Neither order nor repetition widens")
    func intersection() throws {
        let caveats: [Caveat] = [
            .notAfter(now + 10), .notAfter(now + 100), .scopes([.read]), .scopes([.execute, .read]),
            .maximumTimeout(milliseconds: 10), .maximumTimeout(milliseconds: 1_000),
            .templates(["a", "b"]), .templates(["b", "c"]), .subject("u"), .subject("u"), .notBefore(0),
        ]
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<50 {
            var narrowed = token
            for caveat in caveats.shuffled(using: &generator) { narrowed = try narrowed.narrowed(by: caveat) }
            let claims = try verifier.verify(narrowed, at: now)
            #expect(claims.notAfter == now + 10)
            #expect(claims.scopes == [.read])
            #expect(claims.maximumTimeout == 10)
            #expect(claims.templates == ["b"])
            #expect(claims.subject == "u")
        }
    }

    @Test("The last valid second is inside, the next outside")
    func notAfter() throws {
        let narrowed = try token.narrowed(by: .notAfter(now))
        #expect(try verifier.verify(narrowed, at: now).notAfter == now)
        #expect(throws: TokenFailure.expired) { try verifier.verify(narrowed, at: now + 1) }
    }

    @Test("The first valid second is inside, the one before outside")
    func notBefore() throws {
        let narrowed = try token.narrowed(by: .notBefore(now))
        _ = try verifier.verify(narrowed, at: now)
        #expect(throws: TokenFailure.notYetValid) { try verifier.verify(narrowed, at: now - 1) }
    }

    @Test("Two subjects conflict, also two that only Unicode calls equal")
    func subjects() {
        #expect(throws: TokenFailure.conflictingCaveats) { try claims(.subject("a"), .subject("b")) }
        #expect(throws: TokenFailure.conflictingCaveats) { try claims(.subject("\u{e9}"), .subject("e\u{301}")) }
    }

    @Test("Another secret, another key id: forged, and forged before expired")
    func forged() throws {
        let narrowed = try token.narrowed(by: .notAfter(0))
        #expect(throws: TokenFailure.expired) { try verifier.verify(narrowed, at: now) }
        #expect(throws: TokenFailure.forged) {
            try TokenVerifier(keyID: keyID, secret: .random()).verify(narrowed, at: now)
        }
        #expect(throws: TokenFailure.forged) {
            try TokenVerifier(keyID: .random(), secret: secret).verify(narrowed, at: now)
        }
    }

    @Test("A caveat cannot be taken out, added without the chain, or swapped with another")
    func chain() throws {
        let first = try token.narrowed(by: .subject("a"))
        let both = try first.narrowed(by: .maximumTimeout(milliseconds: 5))
        let tag = both.text.suffix(64)
        // e2b_, version and key id are 4 + 18 digits; the subject is 4 bytes of caveat.
        let withoutSubject = both.text.prefix(22) + both.text.dropFirst(22 + 8)
        let withoutTimeout = first.text.dropLast(64) + tag
        let added = try token.narrowed(by: .subject("a")).text.dropLast(64) + token.text.suffix(64)
        let timeout = both.text.dropFirst(22 + 8).dropLast(64)
        let swapped = both.text.prefix(22) + timeout + both.text.dropFirst(22).prefix(8) + tag
        for text in [withoutSubject, withoutTimeout, added, swapped] {
            let token = try Token(parsing: String(text))
            #expect(throws: TokenFailure.forged) { try verifier.verify(token, at: now) }
        }
    }

    @Test(
        "Values out of range are refused when narrowing",
        arguments: [
            Caveat.subject(""), .subject(String(repeating: "x", count: 257)), .subject("a\nb"), .subject("\u{7f}"),
            .maximumTimeout(milliseconds: 0), .maximumTimeout(milliseconds: -1), .templates([]),
            .templates([""]), .templates(["ä"]), .templates(["a b"]), .templates([String(repeating: "t", count: 129)]),
            .templates([String](repeating: "t", count: 33)),
        ])
    func outOfRange(caveat: Caveat) {
        #expect(throws: TokenFailure.self) { try token.narrowed(by: caveat) }
    }

    @Test("32 caveats are accepted, a 33rd is not; nor one that makes the text too long")
    func bounds() throws {
        var narrowed = token
        for _ in 0..<32 { narrowed = try narrowed.narrowed(by: .notAfter(now)) }
        _ = try verifier.verify(Token(parsing: narrowed.text), at: now)
        #expect(throws: TokenFailure.self) { try narrowed.narrowed(by: .notAfter(now)) }

        var long = token
        let subject = Caveat.subject(String(repeating: "x", count: 256))
        for _ in 0..<7 { long = try long.narrowed(by: subject) }
        #expect(throws: TokenFailure.self) { try long.narrowed(by: subject) }
        #expect(long.text.utf8.count <= Token.maximumLength)
    }
}

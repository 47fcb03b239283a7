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
        #expect(claims.templates == nil && claims.languages == nil)
        #expect(claims.notAfter == nil)
        #expect(claims.sourceNetworks.isEmpty && claims.allows(source: "anywhere") && !claims.isSignedOnly)
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
            .maximumTimeout(milliseconds: 5_000), .templates(["code-interpreter-v1", "base"]),
            .languages(["python", "r"]), .signedOnly, .sourceNetworks([network("10.0.0.0/8"), network("::1")])
        )
        #expect(claims.notAfter == now + 60)
        #expect(claims.scopes == [.read])
        #expect(claims.subject == "Zoë 🦊")
        #expect(claims.maximumTimeout == 5_000)
        #expect(claims.templates == ["code-interpreter-v1", "base"])
        #expect(claims.languages == ["python", "r"])
        #expect(claims.isSignedOnly)
        #expect(claims.allows(source: "10.1.2.3") && claims.allows(source: "::1"))
        #expect(!claims.allows(source: "192.0.2.1") && !claims.allows(source: "") && !claims.allows(source: "::2"))
    }

    private func network(_ text: String) throws -> SourceNetwork {
        try #require(SourceNetwork(text))
    }

    @Test("An address must be in one network of each caveat")
    func networksOfEach() throws {
        let claims = try claims(
            .sourceNetworks([network("10.0.0.0/8"), network("192.0.2.0/24")]),
            .sourceNetworks([network("10.1.0.0/16"), network("198.51.100.0/24")])
        )
        #expect(claims.sourceNetworks.count == 2)
        #expect(claims.allows(source: "10.1.2.3") && claims.allows(source: "::ffff:10.1.2.3"))
        for outside in ["10.2.0.1", "192.0.2.1", "198.51.100.1"] { #expect(!claims.allows(source: outside)) }
    }

    @Test("A tenant's key grants none of the scopes of administrators, whatever a caveat says, and the reverse")
    func scopesOfKeys() throws {
        #expect(Scope.tenantScopes.isDisjoint(with: Scope.adminScopes))
        #expect(Scope.tenantScopes.union(Scope.adminScopes) == Set(Scope.allCases))
        #expect(try claims(.scopes(Set(Scope.allCases))).scopes == Scope.tenantScopes)
        #expect(try claims(.scopes(Scope.adminScopes)).scopes.isEmpty)

        let admin = TokenVerifier(keyID: keyID, secret: secret, scopes: [.adminRead, .adminKeys])
        #expect(try admin.verify(token, at: now).scopes == [.adminRead, .adminKeys])
        let narrowed = try token.narrowed(by: .scopes([.execute, .adminKeys, .adminAudit]))
        #expect(try admin.verify(Token(parsing: narrowed.text), at: now).scopes == [.adminKeys])
    }

    /// How much claims allow, as sets that can only shrink.
    private func allowance(_ claims: Claims) -> (
        scopes: Set<Scope>, sources: Set<String>, names: Set<String>, timeout: Int64
    ) {
        let sources = ["10.0.0.1", "10.1.0.1", "192.0.2.1", "::1", "2001:db8::1"]
        let names = ["a", "b", "c"]
        return (
            claims.scopes, Set(sources.filter(claims.allows)),
            Set(names.filter { claims.templates?.contains($0) ?? true }.map { "template \($0)" })
                .union(names.filter { claims.languages?.contains($0) ?? true }.map { "language \($0)" })
                .union(claims.isSignedOnly ? [] : ["bearer"]),
            claims.maximumTimeout ?? .max
        )
    }

    @Test("Whatever is added, in whatever order and however often, never allows more", arguments: 0..<20)
    func neverWidens(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let networks = try ["10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24", "::/0", "2001:db8::/32"].map(network)
        func some<Element>(of all: [Element]) -> [Element] {
            Array(all.shuffled(using: &generator).prefix(Int.random(in: 1...all.count, using: &generator)))
        }
        func caveat() -> Caveat {
            switch Int.random(in: 0..<8, using: &generator) {
            case 0: .notAfter(now + .random(in: 0...9, using: &generator))
            case 1: .scopes(Set(some(of: Scope.allCases)))
            case 2: .subject("u")
            case 3: .maximumTimeout(milliseconds: .random(in: 1...100, using: &generator))
            case 4: .templates(some(of: ["a", "b", "c"]))
            case 5: .languages(some(of: ["a", "b", "c"]))
            case 6: .sourceNetworks(some(of: networks))
            default: .signedOnly
            }
        }
        var narrowed = token
        var caveats: [Caveat] = []
        var before = allowance(try verifier.verify(narrowed, at: now))
        for _ in 0..<16 {
            caveats.append(
                Bool.random(using: &generator) ? caveat() : caveats.randomElement(using: &generator) ?? caveat())
            narrowed = try narrowed.narrowed(by: caveats[caveats.count - 1])
            let after = allowance(try verifier.verify(Token(parsing: narrowed.text), at: now))
            #expect(after.scopes.isSubset(of: before.scopes) && after.sources.isSubset(of: before.sources))
            #expect(after.names.isSubset(of: before.names) && after.timeout <= before.timeout)
            before = after
        }
        for _ in 0..<5 {
            let again = try caveats.shuffled(using: &generator).reduce(token) { try $0.narrowed(by: $1) }
            #expect(allowance(try verifier.verify(again, at: now)) == before)
        }
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
            .templates([String](repeating: "t", count: 33)), .languages([]), .languages([""]), .languages(["a b"]),
            .languages([String(repeating: "l", count: 33)]), .languages([String](repeating: "l", count: 33)),
            .sourceNetworks([]),
            .sourceNetworks([String](repeating: "::1", count: 33).compactMap { SourceNetwork($0) }),
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

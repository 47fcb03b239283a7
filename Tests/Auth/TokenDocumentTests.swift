import Auth
import Foundation
import Testing

/// Holds `docs/tokens.md` against the code: its vectors against our verifier, and its programs against both.
struct TokenDocumentTests {
    private struct Vector: Codable {
        var name: String
        var secret: String
        var now: Int64
        var token: String
        var claims: ExpectedClaims?
        var refusal: String?
    }

    private struct ExpectedClaims: Codable, Equatable {
        var key_id: String
        var scopes: [String]
        var not_after: Int64?
        var maximum_timeout_ms: Int64?
        var subject: String?
        var templates: [String]?
        var languages: [String]?
        var source_networks: [[String]]?
        var signed_only: Bool?
    }

    private let page: DocumentPage
    private let vectors: [Vector]

    init() throws {
        page = try DocumentPage("tokens.md")
        vectors = try page.values(under: "Test vectors")
    }

    @Test("The gateway's verifier agrees with every vector")
    func ourVerifier() throws {
        #expect(vectors.count >= 3)
        for vector in vectors {
            let secret = try #require(Hex.bytes(vector.secret).flatMap(KeySecret.init(bytes:)))
            let keyID = try #require(KeyID("0123456789abcdef"))
            do throws(TokenFailure) {
                let token = try Token(parsing: vector.token)
                let claims = try TokenVerifier(keyID: keyID, secret: secret).verify(token, at: vector.now)
                #expect(documented(claims) == vector.claims, "\(vector.name)")
            } catch {
                #expect(documented(error) == vector.refusal, "\(vector.name)")
            }
        }
    }

    @Test("The page's verifier in Python agrees with every vector")
    func pythonVerifier() throws {
        let lines = try DocumentProgram.python(page.block("python", under: "Verifying in Python"), input: vectors)
        #expect(lines.count == vectors.count)
        for (vector, line) in zip(vectors, lines) {
            if let refusal = vector.refusal {
                #expect(line == refusal, "\(vector.name)")
            } else {
                let claims = try JSONDecoder().decode(ExpectedClaims.self, from: Data(line.utf8))
                #expect(claims == vector.claims, "\(vector.name)")
            }
        }
    }

    private func documented(_ claims: Claims) -> ExpectedClaims {
        ExpectedClaims(
            key_id: "\(claims.keyID)", scopes: claims.scopes.map(\.rawValue).sorted(), not_after: claims.notAfter,
            maximum_timeout_ms: claims.maximumTimeout, subject: claims.subject, templates: claims.templates?.sorted(),
            languages: claims.languages?.sorted(),
            source_networks: claims.sourceNetworks.isEmpty ? nil : claims.sourceNetworks.map { $0.map(\.description) },
            signed_only: claims.isSignedOnly ? true : nil
        )
    }

    private func documented(_ failure: TokenFailure) -> String {
        switch failure {
        case .malformed: "malformed"
        case .forged: "forged"
        case .expired: "expired"
        case .notYetValid: "not yet valid"
        case .unknownCaveat: "unknown caveat"
        case .conflictingCaveats: "conflicting caveats"
        }
    }

    // MARK: Narrowing

    /// A token to be narrowed, each caveat as a list of its name and its values.
    private struct Order: Encodable {
        var token: String
        var caveats: [[Value]]
    }

    private enum Value: Encodable {
        case text(String)
        case number(Int64)

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .number(let number): try container.encode(number)
            }
        }
    }

    /// Every kind of caveat, as the page's programs call it and as we do.
    private static let caveats: [([Value], Caveat)] = [
        ([.text("not_after"), .number(1_800_003_600)], .notAfter(1_800_003_600)),
        ([.text("not_before"), .number(-5)], .notBefore(-5)),
        ([.text("scopes"), .text("read"), .text("execute")], .scopes([.execute, .read])),
        ([.text("scopes")], .scopes([])),
        ([.text("subject"), .text("Zoë 🦊")], .subject("Zoë 🦊")),
        ([.text("maximum_timeout_ms"), .number(5_000)], .maximumTimeout(milliseconds: 5_000)),
        ([.text("templates"), .text("base"), .text("team/x:1")], .templates(["base", "team/x:1"])),
        ([.text("languages"), .text("python"), .text("c++")], .languages(["python", "c++"])),
        (
            [.text("source_networks"), .text("10.0.0.0/8"), .text("192.0.2.1")],
            .sourceNetworks([SourceNetwork("10.0.0.0/8"), SourceNetwork("192.0.2.1")].compactMap(\.self))
        ),
        ([.text("signed_only")], .signedOnly),
    ]

    private func orders() throws -> (orders: [Order], expected: [String]) {
        let token = try Token(parsing: vectors[0].token)
        let each = Self.caveats.map { [$0] } + [Self.caveats]
        return (
            each.map { Order(token: token.text, caveats: $0.map(\.0)) },
            try each.map { try $0.reduce(token) { try $0.narrowed(by: $1.1) }.text }
        )
    }

    @Test("The page's programs narrow as the gateway does, caveat by caveat and all together")
    func narrowing() throws {
        let (orders, expected) = try orders()
        let python = try page.block("python", under: "Narrowing in Python")
        #expect(try DocumentProgram.python(python, input: orders) == expected)
        let javaScript = try page.block("javascript", under: "Narrowing in JavaScript")
        #expect(try DocumentProgram.javaScript(javaScript, input: orders) == expected)
    }

    @Test("The page's programs narrow to networks of IPv6 as well, however these are written")
    func narrowingToIPv6() throws {
        let token = try Token(parsing: vectors[0].token)
        let networks = [
            "2001:db8::/33", "::/0", "::1", "2001:DB8:0:0:1::", "1:2:3:4:5:6:7:8", "fe80::/10", "::8:0:1/128",
        ]
        let orders = networks.map { Order(token: token.text, caveats: [[.text("source_networks"), .text($0)]]) }
        let expected = try networks.map { text in
            try token.narrowed(by: .sourceNetworks([try #require(SourceNetwork(text))])).text
        }
        let python = try page.block("python", under: "Narrowing in Python")
        #expect(try DocumentProgram.python(python, input: orders) == expected)
        let javaScript = try page.block("javascript", under: "Narrowing in JavaScript")
        #expect(try DocumentProgram.javaScript(javaScript, input: orders) == expected)
    }
}

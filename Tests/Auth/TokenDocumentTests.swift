import Auth
import Foundation
import Testing

/// Holds `docs/tokens.md` against the code: its vectors against our verifier, and its Python program against both.
struct TokenDocumentTests {
    private struct Vector: Decodable {
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
    }

    private let page: String

    init() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        page = try String(contentsOf: root.appending(path: "docs/tokens.md"), encoding: .utf8)
    }

    /// The first fenced block of a language.
    private func block(_ language: String) throws -> String {
        let start = try #require(page.firstRange(of: "```\(language)\n"))
        let rest = page[start.upperBound...]
        let end = try #require(rest.firstRange(of: "\n```"))
        return String(rest[..<end.lowerBound])
    }

    private func vectors() throws -> [Vector] {
        try JSONDecoder().decode([Vector].self, from: Data(block("json").utf8))
    }

    @Test("The gateway's verifier agrees with every vector")
    func ourVerifier() throws {
        let vectors = try vectors()
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

    @Test("The page's Python program agrees with every vector")
    func python() throws {
        let output = try runPython(block("python"), input: block("json"))
        let lines = output.split(separator: "\n").map(String.init)
        let vectors = try vectors()
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
            maximum_timeout_ms: claims.maximumTimeout, subject: claims.subject, templates: claims.templates?.sorted()
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

    private func runPython(_ program: String, input: String) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", program]
        let (stdin, stdout) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        try process.run()
        try stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try stdin.fileHandleForWriting.close()
        let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: output, as: UTF8.self)
    }
}

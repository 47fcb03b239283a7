import Auth
import Foundation
import Testing

/// Holds `docs/signing.md` against the code: its programs and our signer against its vectors, and requests that libraries
/// from elsewhere signed against our verifier.
struct SignatureDocumentTests {
    private struct Vector: Codable {
        var name: String
        var token: String
        var method: String
        var url: String
        var body: String
        var created: Int64
        var nonce: String
        var fields: [String: String]?

        func request() throws -> SignableRequest {
            let parts = try #require(URLComponents(string: url))
            let host = try #require(parts.host)
            return SignableRequest(
                method: method, scheme: try #require(parts.scheme),
                authority: parts.port.map { "\(host):\($0)" } ?? host, path: parts.percentEncodedPath,
                query: parts.percentEncodedQuery, fields: (fields ?? [:]).map { (name: $0.key, value: $0.value) })
        }
    }

    private struct SignedRequest: Decodable {
        var name: String
        var method: String
        var scheme: String
        var authority: String
        var path: String
        var query: String?
        var fields: [[String]]
        var body: String

        var request: SignableRequest {
            SignableRequest(
                method: method, scheme: scheme, authority: authority, path: path, query: query,
                fields: fields.map { (name: $0[0], value: $0[1]) })
        }
    }

    private let page: DocumentPage
    private let vectors: [Vector]
    private let verifier: TokenVerifier

    init() throws {
        page = try DocumentPage("signing.md")
        vectors = try page.values(under: "Test vectors")
        let secret = try #require(KeySecret(bytes: (0..<32).map { UInt8($0) }))
        verifier = TokenVerifier(keyID: try #require(KeyID("0123456789abcdef")), secret: secret)
    }

    @Test("Our signer makes the fields of every vector")
    func ourSigner() throws {
        #expect(vectors.count >= 3)
        for vector in vectors {
            let fields = RequestSigner(try Token(parsing: vector.token)).headers(
                for: try vector.request(), body: Array(vector.body.utf8), created: vector.created, nonce: vector.nonce)
            #expect(
                Dictionary(uniqueKeysWithValues: fields.map { ($0.name, $0.value) }) == vector.fields, "\(vector.name)")
        }
    }

    @Test("Every vector is accepted, as what it says it is")
    func ourVerifier() throws {
        for vector in vectors {
            let request = try vector.request()
            let signature = try MessageSignature(parsing: request)
            #expect(signature.nonce == vector.nonce && signature.created == vector.created)
            #expect(try signature.verify(request, with: verifier, at: 1_800_000_000).keyID == verifier.keyID)
            try signature.checkBody(Array(vector.body.utf8), of: request)
        }
    }

    @Test("The page's programs make the fields of every vector")
    func programs() throws {
        let expected = vectors.map(\.fields)
        let python = try DocumentProgram.python(page.block("python", under: "In Python"), input: vectors)
        #expect(try python.map { try JSONDecoder().decode([String: String].self, from: Data($0.utf8)) } == expected)
        let javaScript = try DocumentProgram.javaScript(
            page.block("javascript", under: "In JavaScript"), input: vectors)
        #expect(try javaScript.map { try JSONDecoder().decode([String: String].self, from: Data($0.utf8)) } == expected)
    }

    @Test("Requests that libraries from elsewhere signed are accepted, and not when anything covered is another")
    func libraries() throws {
        let signed: [SignedRequest] = try page.values(under: "Test vectors", after: 1)
        #expect(signed.count >= 4)
        for original in signed {
            let signature = try MessageSignature(parsing: original.request)
            let claims = try signature.verify(original.request, with: verifier, at: 1_800_000_000)
            #expect(claims.subject == "user-42", "\(original.name)")
            try signature.checkBody(Array(original.body.utf8), of: original.request)
            #expect(signature.hasContentDigest == !original.body.isEmpty)

            func isRefused(_ change: (inout SignedRequest) -> Void) -> Bool {
                var changed = original
                change(&changed)
                do throws(SignatureFailure) {
                    let signature = try MessageSignature(parsing: changed.request)
                    _ = try signature.verify(changed.request, with: verifier, at: 1_800_000_000)
                    try signature.checkBody(Array(changed.body.utf8), of: changed.request)
                    return false
                } catch {
                    return true
                }
            }
            #expect(isRefused { $0.method = "PUT" })
            #expect(isRefused { $0.authority = "gateway.example:8443" })
            #expect(isRefused { $0.path += "/" })
            #expect(isRefused { $0.query = ($0.query ?? "") + "&a=b" })
            #expect(isRefused { $0.body += "x" })
            for index in original.fields.indices where original.fields[index][0] != "Content-Length" {
                let isCovered = ["Content-Digest", "Signature-Input", "Signature", "Date"].contains(
                    original.fields[index][0])
                for place in original.fields[index][1].utf8.indices where isCovered {
                    #expect(isRefused { $0.fields[index][1] = $0.fields[index][1].flippingCase(at: place) })
                }
            }
        }
    }
}

extension String {
    /// The text with another character in one place.
    fileprivate func flippingCase(at place: Index) -> String {
        let character = self[place] == "A" ? "B" : "A"
        return replacingCharacters(in: place...place, with: character)
    }
}

import Testing

@testable import Auth

struct ContentDigestTests {
    /// RFC 9530's and RFC 9421's example body and its digests.
    private let body = Array(#"{"hello": "world"}"#.utf8)
    private let sha256 = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
    private let sha512 =
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"

    private func failure(_ lines: String..., body: [UInt8]? = nil) -> SignatureFailure? {
        let request = SignableRequest(
            method: "POST", scheme: "http", authority: "h", path: "/", query: nil,
            fields: lines.map { (name: "Content-Digest", value: $0) })
        do throws(SignatureFailure) {
            try MessageSignature.checkDigest(body ?? self.body, of: request)
            return nil
        } catch {
            return error
        }
    }

    @Test("The RFCs' own digests are accepted, alone, together, and beside unknown ones")
    func accepted() {
        #expect(failure(sha256) == nil && failure(sha512) == nil)
        #expect(failure("\(sha512), \(sha256)") == nil && failure(sha256, sha512) == nil)
        #expect(failure("md5=:AA==:, \(sha256), unixsum=30637") == nil)
    }

    @Test("A digest of something else is a mismatch, also beside a right one")
    func mismatch() {
        let wrong = sha256.replacing("X48", with: "Y48")
        #expect(failure(wrong) == .digestMismatch)
        #expect(failure("\(wrong), \(sha512)") == .digestMismatch)
        #expect(failure("\(sha256), \(sha512.replacing("WZD", with: "XZD"))") == .digestMismatch)
        #expect(failure("sha-256=::") == .digestMismatch)
        #expect(failure(sha256, body: body + [0x0a]) == .digestMismatch)
        #expect(failure(sha256, body: body.dropLast()) == .digestMismatch)
        #expect(failure(sha256, body: []) == .digestMismatch)
    }

    @Test("Nothing we know is no digest; a body without a digest has none")
    func missing() {
        #expect(failure("md5=:AA==:") == .digestMissing && failure("") == .digestMissing)
        #expect(failure() == .digestMissing)
        #expect(failure(body: []) == nil)
    }

    @Test("The wrong form is refused")
    func malformed() {
        for wrong in [
            "sha-256", "sha-256=\"x\"", "sha-256=(:AA==:)", "\(sha256),", "\(sha256), \(sha256)", "SHA-256=:AA==:",
        ] {
            guard case .malformed? = failure(wrong) else {
                Issue.record("accepted \(wrong)")
                continue
            }
        }
    }
}

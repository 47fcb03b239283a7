import Auth

/// A token, what it is held against, and requests signed with it.
struct SigningFixture {
    typealias Field = (name: String, value: String)

    let secret = KeySecret.random()
    let keyID = KeyID.random()
    let now: Int64 = 1_800_000_000
    let body = Array(#"{"code":"print(1)"}"#.utf8)

    var verifier: TokenVerifier { TokenVerifier(keyID: keyID, secret: secret) }

    func token(_ caveats: Caveat...) throws -> Token {
        try caveats.reduce(Token.mint(keyID, secret: secret)) { try $0.narrowed(by: $1) }
    }

    /// The parts of a request, to be changed one by one.
    struct Parts {
        var method = "POST"
        var scheme = "https"
        var authority = "gateway.example"
        var path = "/v1/executions"
        var query: String? = "a=1&b"
        var fields: [Field] = [("Host", "gateway.example"), ("Content-Type", "application/json"), ("X-Extra", "1")]

        var request: SignableRequest {
            SignableRequest(
                method: method, scheme: scheme, authority: authority, path: path, query: query, fields: fields)
        }

        subscript(field: String) -> String {
            get { fields.first { $0.name == field }?.value ?? "" }
            set {
                fields.removeAll { $0.name == field }
                fields.append((field, newValue))
            }
        }
    }

    /// A request signed by our own signer.
    func signed(
        with token: Token, body: [UInt8]? = nil, created: Int64? = nil, nonce: String = "n-1"
    ) -> Parts {
        var parts = Parts()
        parts.fields += RequestSigner(token).headers(
            for: parts.request, body: body ?? self.body, created: created ?? now, nonce: nonce)
        return parts
    }

    /// A request signed over whatever is asked for, as a signer would that does not know our rules.
    func signed(
        with token: Token, covering components: String, parameters: String, label: String = "sig",
        parts: Parts = Parts()
    ) throws(SignatureFailure) -> Parts {
        var parts = parts
        let input = "(\(components))\(parameters)"
        let lines = components.split(separator: " ").map { component in
            let name = component.dropFirst().prefix { $0 != "\"" }
            return "\(component): \(value(of: String(name), in: parts))"
        }
        let base = (lines + ["\"@signature-params\": \(input)"]).joined(separator: "\n")
        let tag = Hex.bytes(token.text.suffix(64)) ?? []
        let key = Digest.hmacSHA256(Array("e2b-gateway/http-signature/v1".utf8), key: tag)
        parts["Signature-Input"] = "\(label)=\(input)"
        parts["Signature"] = "\(label)=:\(Self.base64(Digest.hmacSHA256(Array(base.utf8), key: key))):"
        return parts
    }

    private func value(of name: String, in parts: Parts) -> String {
        switch name {
        case "@method": parts.method
        case "@authority": parts.authority
        case "@path": parts.path
        case "@query": "?" + (parts.query ?? "")
        case "@scheme": parts.scheme
        case "@target-uri": "\(parts.scheme)://\(parts.authority)\(parts.path)" + (parts.query.map { "?" + $0 } ?? "")
        case "@request-target": parts.path + (parts.query.map { "?" + $0 } ?? "")
        default:
            parts.fields.filter { $0.name.lowercased() == name }.map(\.value).joined(separator: ", ")
        }
    }

    /// What the gateway does with a request, short of the nonce.
    func judge(_ parts: Parts, body: [UInt8]? = nil, at instant: Int64? = nil) throws(SignatureFailure) -> Claims {
        let request = parts.request
        let signature = try MessageSignature(parsing: request)
        let claims = try signature.verify(request, with: verifier, at: instant ?? now)
        try signature.checkBody(body ?? self.body, of: request)
        return claims
    }

    func failure(_ parts: Parts, body: [UInt8]? = nil, at instant: Int64? = nil) -> SignatureFailure? {
        do throws(SignatureFailure) {
            _ = try judge(parts, body: body, at: instant)
            return nil
        } catch {
            return error
        }
    }

    /// Another implementation than the one under test.
    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        let bits = bytes.flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 } }
        let digits = stride(from: 0, to: bits.count, by: 6).map { start in
            let group = bits[start..<min(start + 6, bits.count)]
            return alphabet[group.reduce(0) { $0 << 1 | Int($1) } << (6 - group.count)]
        }
        return String(digits) + String(repeating: "=", count: (4 - digits.count % 4) % 4)
    }
}

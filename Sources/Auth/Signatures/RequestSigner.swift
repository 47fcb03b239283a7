/// Signs requests with a token, without showing its tag. The counterpart of ``MessageSignature``.
public struct RequestSigner: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let keyID: String
    private let key: [UInt8]

    /// A signer for everything the token allows.
    public init(_ token: Token) {
        keyID = token.signatureKeyID
        key = Digest.hmacSHA256(MessageSignature.keyContext, key: token.tag)
    }

    /// A new nonce: 32 hex digits that nobody can guess.
    public static func newNonce() -> String { Hex.text(SecureRandom.bytes(16)) }

    /// The fields that make a request a signed one: `Content-Digest` unless the body is empty, `Signature-Input` and
    /// `Signature`. They replace fields of the same names. Covered are the method, authority, path, query and the digest,
    /// so that a proxy may change the scheme.
    ///
    /// - Parameters:
    ///   - request: What will be sent, `Host` and raw target above all.
    ///   - body: All of it, as it goes over the wire.
    ///   - created: Unix seconds, now.
    ///   - nonce: Never used before: 1 to 128 characters of printable ASCII, such as ``newNonce()``.
    public func headers(
        for request: SignableRequest, body: [UInt8], created: Int64, nonce: String
    ) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        var components = ["@method", "@authority", "@path", "@query"]
        var signed = request
        if !body.isEmpty {
            let digest = ContentDigest.value(for: body)
            headers.append(("Content-Digest", digest))
            components.append(ContentDigest.fieldName)
            signed = request.with(ContentDigest.fieldName, digest)
        }
        let covered = StructuredField.InnerList(
            items: components.map { .init(value: .string($0)) },
            parameters: .init(list: [
                .init(name: "created", value: .integer(created)), .init(name: "nonce", value: .string(nonce)),
                .init(name: "alg", value: .string("hmac-sha256")), .init(name: "keyid", value: .string(keyID)),
            ])
        )
        guard let message = try? SignatureBase(covered: covered).bytes(for: signed).get() else {
            preconditionFailure("all but the digest is derived, and the digest was just put there")
        }
        let signature = StructuredField.BareItem.bytes(Digest.hmacSHA256(message, key: key))
        headers.append(("Signature-Input", "e2b=\(covered.text)"))
        headers.append(("Signature", "e2b=\(signature.text)"))
        return headers
    }

    /// Says what it is, never what it holds.
    public var description: String { "RequestSigner(redacted)" }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Shows nothing to `dump` and to reflection.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What a signed request presents, parsed but not yet believed: HTTP message signatures (RFC 9421) with `hmac-sha256`.
///
/// `keyid` is a token's text without its tag; the signing key is HMAC-SHA256(tag, `e2b-gateway/http-signature/v1`). So
/// the request shows which token signed it, narrowed as it is, and never the token's proof. See `docs/signing.md`.
public struct MessageSignature: Sendable {
    /// How far `created` may be from the server's time, in seconds.
    public static let maximumSkew: Int64 = 60
    /// Nonces longer than this are refused.
    public static let maximumNonceLength = 128

    /// The key the signature says it was made with. Proven only by ``verify(_:with:at:)``.
    public var keyID: KeyID { head.keyID }
    /// The value that must not have been used with this key before: 1 to 128 characters of printable ASCII.
    public let nonce: String
    /// When it was made, in Unix seconds.
    public let created: Int64
    /// When it ends, in Unix seconds, if it says so.
    public let expires: Int64?
    /// Whether the signature covers `Content-Digest`, as it must when there is a body.
    public let hasContentDigest: Bool

    let head: TokenHead
    let base: SignatureBase
    let signature: [UInt8]

    /// The last second (Unix time) in which ``verify(_:with:at:)`` can accept it. Until it is over the nonce must be
    /// remembered.
    public var lastAcceptedSecond: Int64 { min(created + Self.maximumSkew, expires ?? .max) }

    /// Whether a request presents a signature, ours or not: it has a `Signature` or a `Signature-Input` field.
    public static func isPresent(in fields: [(name: String, value: String)]) -> Bool {
        fields.contains { ["signature", "signature-input"].contains($0.name.lowercased()) }
    }

    /// Whether a request presents a signature that says it was made with a token.
    public static func isOurs(in fields: [(name: String, value: String)]) -> Bool {
        fields.contains { $0.name.lowercased() == "signature-input" && $0.value.contains("keyid=\"e2b_") }
    }

    init(
        head: TokenHead, base: SignatureBase, signature: [UInt8], nonce: String, created: Int64, expires: Int64?,
        hasContentDigest: Bool
    ) {
        self.head = head
        self.base = base
        self.signature = signature
        self.nonce = nonce
        self.created = created
        self.expires = expires
        self.hasContentDigest = hasContentDigest
    }
}

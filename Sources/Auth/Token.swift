/// A tenant's printable credential: a key's id, restrictions in the order they were added, and a chained HMAC tag.
///
/// `tag₀ = HMAC-SHA256(secret, context ‖ key id)`, `tagₙ = HMAC-SHA256(tagₙ₋₁, caveatₙ)`: whoever holds a token can
/// narrow it without asking, and nobody can take a restriction out again. The construction is that of macaroons
/// (Birgisson et al., NDSS 2014). The bytes are specified in `docs/tokens.md`.
public struct Token: Sendable {
    let head: TokenHead
    /// 32 bytes: the proof, and the part to keep secret.
    let tag: [UInt8]

    /// More caveats than this are refused.
    public static let maximumCaveats = 32

    /// What tag₀ is made over, before the key id: this use of the key and no other.
    static let context = Array("e2b-gateway/token/v1".utf8)

    /// The key the token says it was made from. Proven only by ``TokenVerifier``.
    public var keyID: KeyID { head.keyID }
    /// The restrictions it carries. Proven only by ``TokenVerifier``.
    public var caveats: [Caveat] { head.caveats }

    init(head: TokenHead, tag: [UInt8]) {
        self.head = head
        self.tag = tag
    }

    /// The unrestricted token of a key.
    public static func mint(_ keyID: KeyID, secret: KeySecret) -> Token {
        Token(
            head: TokenHead(keyID: keyID, caveats: []),
            tag: Digest.hmacSHA256(context + keyID.bytes, key: secret.bytes)
        )
    }

    /// The same token with one more restriction.
    ///
    /// - Throws: ``TokenFailure/malformed(_:)`` when the caveat's value is out of range, or the token would become too
    ///   long to be accepted.
    public func narrowed(by caveat: Caveat) throws(TokenFailure) -> Token {
        try caveat.validated()
        guard caveats.count < Self.maximumCaveats else {
            throw .malformed("a token has at most \(Self.maximumCaveats) caveats")
        }
        let narrowed = Token(
            head: TokenHead(keyID: keyID, caveats: caveats + [caveat]),
            tag: Digest.hmacSHA256(caveat.encoded, key: tag)
        )
        guard narrowed.text.utf8.count <= Self.maximumLength else {
            throw .malformed("a token has at most \(Self.maximumLength) characters")
        }
        return narrowed
    }
}

extension Token: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Names the key, never the tag.
    public var description: String { "Token(key \(keyID), \(caveats.count) caveats, tag redacted)" }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Hides the tag from `dump` and from reflection.
    public var customMirror: Mirror { Mirror(self, children: ["keyID": keyID, "caveats": caveats]) }
}

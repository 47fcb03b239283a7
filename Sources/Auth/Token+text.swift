extension Token {
    /// What every token begins with; the E2B SDKs accept nothing else as an API key.
    public static let prefix = "e2b_"

    /// Longer texts are refused unread.
    public static let maximumLength = 4096

    /// `e2b_` and lowercase hex of version, key id, caveats and tag. This is the credential itself: show it once, to
    /// its owner.
    public var text: String { head.text + Hex.text(tag) }

    /// The text without the 64 digits of the tag: what a signed request names as its `keyid`. It proves nothing and is
    /// no secret.
    public var signatureKeyID: String { head.text }

    /// Reads a token's text. What it says is unproven until a ``TokenVerifier`` has held it against the key.
    ///
    /// - Throws: ``TokenFailure/malformed(_:)`` or ``TokenFailure/unknownCaveat(_:)``.
    public init(parsing text: String) throws(TokenFailure) {
        let (head, tag) = try TokenHead.parse(text, trailing: OpenSSL.tagLength)
        self.init(head: head, tag: tag)
    }
}

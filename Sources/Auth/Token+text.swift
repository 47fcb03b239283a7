extension Token {
    /// What every token begins with; the E2B SDKs accept nothing else as an API key.
    public static let prefix = "e2b_"

    /// Longer texts are refused unread.
    public static let maximumLength = 4096

    static let version: UInt8 = 0x01

    /// `e2b_` and lowercase hex of version, key id, caveats and tag. This is the credential itself: show it once, to
    /// its owner.
    public var text: String {
        Self.prefix + Hex.text([Self.version] + keyID.bytes + caveats.flatMap(\.encoded) + tag)
    }

    /// Reads a token's text. What it says is unproven until a ``TokenVerifier`` has held it against the key.
    ///
    /// - Throws: ``TokenFailure/malformed(_:)`` or ``TokenFailure/unknownCaveat(_:)``.
    public init(parsing text: String) throws(TokenFailure) {
        guard text.utf8.count <= Self.maximumLength else {
            throw .malformed("longer than \(Self.maximumLength) characters")
        }
        guard text.hasPrefix(Self.prefix) else { throw .malformed("does not begin with \(Self.prefix)") }
        guard let bytes = Hex.bytes(text.dropFirst(Self.prefix.count)) else {
            throw .malformed("not an even number of lowercase hex digits after \(Self.prefix)")
        }
        guard bytes.first == Self.version else { throw .malformed("not a token of version 1") }
        guard bytes.count >= 1 + KeyID.length + OpenSSL.tagLength else { throw .malformed("too short") }

        var rest = bytes.dropFirst().dropLast(OpenSSL.tagLength)
        let keyID = KeyID(rest.prefix(KeyID.length))
        rest = rest.dropFirst(KeyID.length)
        var caveats: [Caveat] = []
        while !rest.isEmpty {
            guard caveats.count < Self.maximumCaveats else {
                throw .malformed("more than \(Self.maximumCaveats) caveats")
            }
            caveats.append(try Caveat.parse(&rest))
        }
        self.init(keyID: keyID, caveats: caveats, tag: Array(bytes.suffix(OpenSSL.tagLength)))
    }
}

/// What a token says before its tag: the key it was made from and the restrictions it carries.
///
/// It is all of a token that a signed request shows. It proves nothing by itself.
struct TokenHead: Sendable {
    let keyID: KeyID
    let caveats: [Caveat]

    static let version: UInt8 = 0x01

    init(keyID: KeyID, caveats: [Caveat]) {
        self.keyID = keyID
        self.caveats = caveats
    }

    /// `e2b_` and lowercase hex of version, key id and caveats.
    var text: String { Token.prefix + Hex.text(bytes) }

    /// Version, key id and caveats.
    var bytes: [UInt8] { [Self.version] + keyID.bytes + caveats.flatMap(\.encoded) }

    /// Reads what ``text`` writes, or a whole token when `trailing` says how many bytes of tag follow.
    ///
    /// - Returns: the head, and the bytes behind it.
    /// - Throws: ``TokenFailure/malformed(_:)`` or ``TokenFailure/unknownCaveat(_:)``.
    static func parse(
        _ text: String, trailing tagLength: Int
    ) throws(TokenFailure) -> (head: TokenHead, tag: [UInt8]) {
        let maximum = Token.maximumLength - 2 * (OpenSSL.tagLength - tagLength)
        guard text.utf8.count <= maximum else { throw .malformed("longer than \(maximum) characters") }
        guard text.hasPrefix(Token.prefix) else { throw .malformed("does not begin with \(Token.prefix)") }
        guard let bytes = Hex.bytes(text.dropFirst(Token.prefix.count)) else {
            throw .malformed("not an even number of lowercase hex digits after \(Token.prefix)")
        }
        guard bytes.first == version else { throw .malformed("not a token of version 1") }
        guard bytes.count >= 1 + KeyID.length + tagLength else { throw .malformed("too short") }

        var rest = bytes.dropFirst().dropLast(tagLength)
        let keyID = KeyID(rest.prefix(KeyID.length))
        rest = rest.dropFirst(KeyID.length)
        var caveats: [Caveat] = []
        while !rest.isEmpty {
            guard caveats.count < Token.maximumCaveats else {
                throw .malformed("more than \(Token.maximumCaveats) caveats")
            }
            caveats.append(try Caveat.parse(&rest))
        }
        return (TokenHead(keyID: keyID, caveats: caveats), Array(bytes.suffix(tagLength)))
    }
}

/// Holds tokens against one key.
///
/// The HMAC is keyed once, here, and duplicated for each token: keying costs more than tagging.
public struct TokenVerifier: Sendable {
    private let keyID: KeyID
    private let scopes: Set<Scope>
    private let hmac: OpenSSL.PreKeyedHMAC

    /// - Parameter scopes: what the key grants before any caveat narrows it.
    public init(keyID: KeyID, secret: KeySecret, scopes: Set<Scope> = Set(Scope.allCases)) {
        self.keyID = keyID
        self.scopes = scopes
        hmac = OpenSSL.PreKeyedHMAC(key: secret.bytes)
    }

    /// What the token allows at `unixSeconds`.
    ///
    /// The tag is recomputed and compared in constant time before any caveat is believed. A token of another key takes
    /// the same time to refuse as a forged one of this key.
    ///
    /// - Throws: ``TokenFailure/forged``; and only when the tag holds ``TokenFailure/expired``,
    ///   ``TokenFailure/notYetValid`` or ``TokenFailure/conflictingCaveats``.
    public func verify(_ token: Token, at unixSeconds: Int64) throws(TokenFailure) -> Claims {
        let expected = hmac.tag(
            of: Token.context + token.keyID.bytes, chainedThrough: token.caveats.map(\.encoded)
        )
        guard Digest.constantTimeEquals(expected, token.tag), token.keyID == keyID else { throw .forged }

        var claims = Claims(keyID: keyID, scopes: scopes)
        for caveat in token.caveats { try claims.narrow(by: caveat, at: unixSeconds) }
        return claims
    }
}

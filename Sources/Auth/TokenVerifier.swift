/// Holds tokens against one key.
///
/// The HMAC is keyed once, here, and duplicated for each token: keying costs more than tagging.
public struct TokenVerifier: Sendable {
    /// The key whose tokens it accepts.
    public let keyID: KeyID
    private let scopes: Set<Scope>
    private let hmac: OpenSSL.PreKeyedHMAC

    /// - Parameter scopes: what the key grants before any caveat narrows it; a tenant's scopes unless told otherwise.
    public init(keyID: KeyID, secret: KeySecret, scopes: Set<Scope> = Scope.tenantScopes) {
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
        let expected = chain(token.head)
        guard Digest.constantTimeEquals(expected, token.tag), token.keyID == keyID else { throw .forged }
        return try claims(of: token.head, at: unixSeconds)
    }

    /// The tag that a genuine token with this head has, tagged further with `links`, each under the tag before it.
    func chain(_ head: TokenHead, _ links: [[UInt8]] = []) -> [UInt8] {
        hmac.tag(of: Token.context + head.keyID.bytes, chainedThrough: head.caveats.map(\.encoded) + links)
    }

    /// What a head allows once its tag has held.
    func claims(of head: TokenHead, at unixSeconds: Int64) throws(TokenFailure) -> Claims {
        var claims = Claims(keyID: keyID, scopes: scopes)
        for caveat in head.caveats { try claims.narrow(by: caveat, at: unixSeconds) }
        return claims
    }
}

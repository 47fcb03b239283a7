extension MessageSignature {
    /// From which the key of a signature is derived: this use of a tag and no other. It begins above the types of caveats,
    /// so that nobody can be given a signing key for a tag or the reverse.
    static let keyContext = Array("e2b-gateway/http-signature/v1".utf8)

    /// Who signed the request, and what the token allows at `unixSeconds`.
    ///
    /// The chain of tags is recomputed from the key and the caveats that `keyid` shows, the signing key derived from it,
    /// the signature compared in constant time; only then caveats are judged, and only then the time, so that the
    /// server's time and a token's expiry are told to honest holders only. The body is not looked at: see
    /// ``checkBody(_:of:)``. Nor is the nonce: whoever accepts the request must see that it was not used before.
    ///
    /// - Parameter request: the one that this was parsed from.
    /// - Throws: ``SignatureFailure/malformed(_:)`` when something covered is not in the request,
    ///   ``SignatureFailure/forged``; and only when the signature holds ``SignatureFailure/token(_:)`` or
    ///   ``SignatureFailure/skewed(serverTime:)``.
    public func verify(
        _ request: SignableRequest, with verifier: TokenVerifier, at unixSeconds: Int64
    ) throws(SignatureFailure) -> Claims {
        let message: [UInt8]
        switch base.bytes(for: request) {
        case .success(let bytes): message = bytes
        case .failure(let missing): throw .malformed("\(missing.component) is covered and not in the request")
        }
        // One line for each component and one for the parameters: a line break in a value could pass for another line.
        guard message.count(where: { $0 == UInt8(ascii: "\n") }) == base.covered.items.count else {
            throw .malformed("a covered component has a line break")
        }
        let expected = verifier.chain(head, [Self.keyContext, message])
        guard Digest.constantTimeEquals(expected, signature), keyID == verifier.keyID else { throw .forged }

        let claims: Claims
        do throws(TokenFailure) {
            claims = try verifier.claims(of: head, at: unixSeconds)
        } catch {
            throw .token(error)
        }
        let skew = Self.maximumSkew
        guard (unixSeconds - skew...unixSeconds + skew).contains(created), unixSeconds <= expires ?? .max else {
            throw .skewed(serverTime: unixSeconds)
        }
        return claims
    }

    /// Holds the whole body against the digest the signature covers. A request without a body needs none; if it has one
    /// nevertheless, that must be right.
    ///
    /// - Throws: ``SignatureFailure/digestMissing`` also when there is a digest and it is not covered,
    ///   ``SignatureFailure/digestMismatch``, ``SignatureFailure/malformed(_:)``.
    public func checkBody(_ body: [UInt8], of request: SignableRequest) throws(SignatureFailure) {
        guard hasContentDigest || body.isEmpty else { throw .digestMissing }
        try Self.checkDigest(body, of: request)
    }

    /// Holds a body against the request's `Content-Digest`, whether that is covered by a signature or not.
    ///
    /// - Throws: as ``checkBody(_:of:)``. A request with neither body nor digest is accepted.
    static func checkDigest(_ body: [UInt8], of request: SignableRequest) throws(SignatureFailure) {
        guard let field = request.field(ContentDigest.fieldName) else {
            guard body.isEmpty else { throw .digestMissing }
            return
        }
        try ContentDigest.check(body, against: field)
    }
}

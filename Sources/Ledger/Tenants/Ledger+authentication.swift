public import Auth
import Quota

extension Ledger {
    /// Who calls with this token, from memory: no disk, no waiting.
    ///
    /// An unknown or revoked key is held against a verifier of nobody's, so that it takes the time another one takes. Whether the
    /// token may be used as a bearer, and from this address, its claims say.
    ///
    /// - Parameter noteShutOut: told whose genuine token it is that is refused all the same, since its tenant or its key is
    ///   suspended.
    public func authenticate(
        _ token: Token, noteShutOut: (Authenticated) -> Void = { _ in }
    ) throws(AuthenticationFailure) -> Authenticated {
        try authenticate(token.keyID, noteShutOut) { verifier, seconds throws(AuthenticationFailure) in
            do throws(TokenFailure) {
                return try verifier.verify(token, at: seconds)
            } catch {
                throw .refused(error)
            }
        }
    }

    /// Who signed this request, from memory as above. The request may be a replay: give its nonce to
    /// ``acceptNonce(_:of:notAfter:)``, or to ``admit(_:)`` in the order. Its body is not looked at:
    /// `MessageSignature.checkBody(_:of:)`.
    public func authenticate(
        _ signature: MessageSignature, of request: SignableRequest, noteShutOut: (Authenticated) -> Void = { _ in }
    ) throws(AuthenticationFailure) -> Authenticated {
        try authenticate(signature.keyID, noteShutOut) { verifier, seconds throws(AuthenticationFailure) in
            do throws(SignatureFailure) {
                return try signature.verify(request, with: verifier, at: seconds)
            } catch {
                throw AuthenticationFailure(error)
            }
        }
    }

    private func authenticate(
        _ id: KeyID, _ noteShutOut: (Authenticated) -> Void,
        proof: (TokenVerifier, Int64) throws(AuthenticationFailure) -> Claims
    ) throws(AuthenticationFailure) -> Authenticated {
        try checkKeysAreKnown()
        let now = clock.now()
        let key = books.withLock { $0.keys[id] }
        // A revoked key is as good as none: not even its honest holder learns more.
        let live = key.flatMap { $0.record.rolled(to: now).state == .revoked ? nil : $0 }
        let claims: Claims
        do throws(AuthenticationFailure) {
            claims = try proof(live?.verifier ?? nobody, clock.wall().seconds)
        } catch {
            throw live == nil && error.isForgery ? (key == nil ? .unknownKey : .revokedKey) : error
        }
        guard let live else { throw .unknownKey }
        // The keys of a tenant that was deleted are revoked.
        guard let account = books.withLock({ $0.accounts[live.record.tenant] }) else { throw .unknownKey }
        let caller = Authenticated(
            tenant: account.tenant.handle, tenantName: account.tenant.name, claims: claims, policy: account.policy)
        if let failure = Self.whyShutOut(account.tenant, live.record) {
            noteShutOut(caller)
            throw failure
        }
        books.withLock { $0.count(id, at: now) }
        return caller
    }

    private static func whyShutOut(_ tenant: Tenant, _ key: KeyRecord) -> AuthenticationFailure? {
        if let suspension = tenant.suspension { return .tenantSuspended(suspension.reason) }
        return key.suspension.map { .keySuspended($0.reason) }
    }

    /// Whether what is kept in memory may be believed: a gateway that shares its ledger has to have reached it a moment ago.
    ///
    /// - Throws: ``LedgerFailure/unavailable(_:)``.
    public func checkSight() throws(LedgerFailure) { try turns.checkSight() }

    func checkKeysAreKnown() throws(AuthenticationFailure) {
        do throws(LedgerFailure) {
            try checkSight()
        } catch {
            throw .unavailable(error.reason)
        }
    }
}

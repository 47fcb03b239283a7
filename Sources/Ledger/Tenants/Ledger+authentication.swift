public import Auth
public import Quota

extension Ledger {
    /// Who calls with this token, from memory: no disk, no waiting.
    ///
    /// An unknown key is held against a verifier of nobody's, so that it takes the time a known one takes.
    public func authenticate(_ token: Token) throws(AuthenticationFailure) -> Authenticated {
        let now = clock.now()
        let key = books.withLock { $0.keys[token.keyID] }
        let claims: Claims
        do {
            claims = try (key?.verifier ?? nobody).verify(token, at: now.seconds)
        } catch {
            throw key == nil ? .unknownKey : .refused(error)
        }
        guard let key, key.record.state == .active else { throw .revokedKey }
        let account = books.withLock { books in
            books.keys[token.keyID]?.record.lastUsedAt = now
            books.unwrittenUses.insert(token.keyID)
            return books.accounts[key.record.tenant]
        }
        guard let account, !account.tenant.isDisabled else { throw .tenantDisabled }
        return Authenticated(tenant: account.tenant.name, claims: claims, policy: account.policy)
    }

    /// Takes one call off a tenant's rate, from memory. Written with the tenant's next commit, or within a second.
    ///
    /// - Returns: what is left of the rate.
    /// - Throws: ``Denial/rate(limit:retryAfter:)``. A tenant that does not exist has no rate to exceed.
    @discardableResult
    public func takeRate(of tenant: String) throws(Denial) -> RateStanding {
        let now = clock.now()
        return try books.withLock { books throws(Denial) in
            guard let rate = books.accounts[tenant]?.policy.rate else {
                return RateStanding(remaining: 0, fullIn: .zero)
            }
            var state = books.rates[tenant] ?? RateState()
            try state.take(under: rate, at: now)
            books.rates[tenant] = state
            books.unwrittenRates.insert(tenant)
            return state.remaining(under: rate, at: now)
        }
    }
}

public import Auth
import Quota

extension Ledger {
    /// Issues a key to an administrator, and its token. The token is not kept, and shown again only to whoever repeats the
    /// request under its idempotency key.
    ///
    /// - Parameters:
    ///   - name: Who will hold it, of the form of a tenant's name; need not be new.
    ///   - scopes: One or more of `Scope.adminScopes`.
    ///   - actor: Who does it, for the audit log.
    ///   - key: The idempotency key.
    /// - Throws: ``LedgerFailure/invalidAdminName``, ``LedgerFailure/invalidScopes``,
    ///   ``LedgerFailure/unavailable(_:)``; with a key what ``Draft/once(_:by:make:)`` says.
    public func issueAdminToken(
        named name: String, scopes: Set<Scope>, by actor: Actor, under key: RequestKey? = nil
    ) async throws(LedgerFailure) -> IssuedAdminKey {
        guard Tenant.isValid(name: name) else { throw .invalidAdminName }
        guard !scopes.isEmpty, scopes.isSubset(of: Scope.adminScopes) else { throw .invalidScopes }
        let request = prepared(key, ["issueAdminToken", name] + scopes.map(\.rawValue).sorted(), by: actor)
        return try await commits.submit { draft in
            try draft.once(request, by: actor) { draft in
                try Self.issueAdminToken(named: name, scopes: scopes, by: actor, in: &draft)
            }
        }
    }

    /// Makes an administrator's key in the commit that is being written.
    static func issueAdminToken(
        named name: String, scopes: Set<Scope>, by actor: Actor, in draft: inout Draft
    ) throws -> IssuedAdminKey {
        let id = KeyID.random()
        let secret = KeySecret.random()
        let record = AdminKeyRecord(id: id, name: name, scopes: scopes, createdAt: draft.now)
        try draft.execute(
            "INSERT INTO admin_key (id, name, scopes, sealed_secret, created_at) VALUES (?, ?, ?, ?, ?)",
            [
                "\(id)", name, try Document.text(record.scopeNames),
                try draft.sealed(secret, as: SealedColumn.adminKey.label("\(id)")), draft.now.nanoseconds,
            ]
        )
        draft.set(Books.AdminKey(record: record, secret: secret))
        try draft.audit(record.described(in: try draft.entry(.adminTokenIssued, by: actor)))
        return IssuedAdminKey(key: record, token: Token.mint(id, secret: secret))
    }

    /// All administrators' keys, the oldest first.
    public func adminKeys() async throws(LedgerFailure) -> [AdminKeyRecord] {
        try await askPeers(for: .keyUses)
        return books.withLock { books in books.adminKeys.values.map { books.listed($0.record) } }
            .sorted { ($0.createdAt, $0.id.description) < ($1.createdAt, $1.id.description) }
    }

    /// Revokes an administrator's key for good: no call is accepted with it from now on. Revoking it again changes nothing.
    ///
    /// - Returns: the key as it is now.
    /// - Throws: ``LedgerFailure/noSuchKey(_:)``, also for a tenant's key; ``LedgerFailure/unavailable(_:)``.
    @discardableResult
    public func revokeAdminKey(_ id: KeyID, by actor: Actor) async throws(LedgerFailure) -> AdminKeyRecord {
        let record = try await commits.submit { draft in
            guard let key = draft.adminKey(id) else { throw LedgerFailure.noSuchKey("\(id)") }
            return try Self.revoke(key, by: actor, in: &draft)
        }
        return books.withLock { $0.listed(record) }
    }

    /// Revokes an administrator's key in the commit that is being written.
    ///
    /// - Returns: the key as it is now; unchanged if it was revoked before.
    static func revoke(
        _ key: Books.AdminKey, by actor: Actor, because reason: String? = nil, in draft: inout Draft
    ) throws -> AdminKeyRecord {
        var key = key
        guard key.record.state == .active else { return key.record }
        // First, since a token may revoke itself.
        var entry = try draft.entry(.adminTokenRevoked, by: actor)
        entry.reason = reason
        let id = "\(key.record.id)"
        key.record.revokedAt = draft.now
        draft.set(key)
        try draft.execute("UPDATE admin_key SET revoked_at = ? WHERE id = ?", [draft.now.nanoseconds, id])
        try draft.audit(key.record.described(in: entry))
        return key.record
    }

    /// Which administrator calls with this token, from memory. A tenant's token is nobody's here, as an administrator's is
    /// nobody's at ``authenticate(_:)``; and that takes the same time.
    public func authenticateAdmin(_ token: Token) throws(AuthenticationFailure) -> AdminPrincipal {
        try authenticateAdmin(token.keyID) { verifier, seconds throws(AuthenticationFailure) in
            do throws(TokenFailure) {
                return try verifier.verify(token, at: seconds)
            } catch {
                throw .refused(error)
            }
        }
    }

    /// Which administrator signed this request, from memory. As with tenants, its nonce and its body are still to be
    /// looked at.
    public func authenticateAdmin(
        _ signature: MessageSignature, of request: SignableRequest
    ) throws(AuthenticationFailure) -> AdminPrincipal {
        try authenticateAdmin(signature.keyID) { verifier, seconds throws(AuthenticationFailure) in
            do throws(SignatureFailure) {
                return try signature.verify(request, with: verifier, at: seconds)
            } catch {
                throw AuthenticationFailure(error)
            }
        }
    }

    private func authenticateAdmin(
        _ id: KeyID, proof: (TokenVerifier, Int64) throws(AuthenticationFailure) -> Claims
    ) throws(AuthenticationFailure) -> AdminPrincipal {
        try checkKeysAreKnown()
        let now = clock.now()
        let key = books.withLock { $0.adminKeys[id] }
        let live = key.flatMap { $0.record.state == .active ? $0 : nil }
        let claims: Claims
        do throws(AuthenticationFailure) {
            claims = try proof(live?.verifier ?? nobody, clock.wall().seconds)
        } catch {
            throw live == nil && error.isForgery ? (key == nil ? .unknownKey : .revokedKey) : error
        }
        guard let live else { throw .unknownKey }
        books.withLock { $0.count(id, at: now) }
        return AdminPrincipal(name: live.record.name, claims: claims)
    }
}

extension AdminKeyRecord {
    /// The names of its scopes, in order.
    var scopeNames: [String] { scopes.map(\.rawValue).sorted() }

    /// A record of the key's issue or revocation, with what audit says about the key.
    func described(in entry: AuditEntry) -> AuditEntry {
        var entry = entry
        entry.keyID = "\(id)"
        entry.after = .object([
            "name": .string(name), "scopes": .array(scopeNames.map(CanonicalJSON.string)),
            "state": .string(state.rawValue),
        ])
        return entry
    }
}

public import Auth
import Quota

extension Ledger {
    /// Issues a key and its unrestricted token. The token is not kept, and shown again only to whoever repeats the request
    /// under its idempotency key.
    ///
    /// - Throws: ``LedgerFailure/noSuchTenant(_:)``, ``LedgerFailure/unavailable(_:)``; with an idempotency key what
    ///   ``Draft/once(_:by:make:)`` says.
    public func issueKey(
        for tenant: String, by actor: Actor, under key: RequestKey? = nil
    ) async throws(LedgerFailure) -> IssuedKey {
        let request = prepared(key, ["issueKey", tenant], by: actor)
        return try await commits.submit { draft in
            try draft.once(request, by: actor) { draft in
                try Self.issueKey(for: draft.required(tenant).tenant, by: actor, in: &draft)
            }
        }
    }

    /// Makes a key in the commit that is being written.
    static func issueKey(for tenant: Tenant, by actor: Actor, in draft: inout Draft) throws -> IssuedKey {
        let id = KeyID.random()
        let secret = KeySecret.random()
        var record = KeyRecord(id: id, tenant: tenant.handle, createdAt: draft.now)
        record.tenantName = tenant.name
        try draft.execute(
            "INSERT INTO key (id, tenant, sealed_secret, created_at) VALUES (?, ?, ?, ?)",
            ["\(id)", tenant.id, try draft.sealed(secret, as: SealedColumn.key.label("\(id)")), draft.now.nanoseconds]
        )
        draft.set(Books.Key(record: record, verifier: TokenVerifier(keyID: id, secret: secret)))
        var entry = try draft.entry(.keyIssued, by: actor)
        entry.tenant = tenant.handle
        entry.keyID = "\(id)"
        try draft.audit(entry)
        return IssuedKey(key: record, token: Token.mint(id, secret: secret))
    }

    /// The keys of one tenant, or all of them, the oldest first.
    ///
    /// - Throws: ``LedgerFailure/noSuchTenant(_:)``.
    public func keys(of tenant: String? = nil) async throws(LedgerFailure) -> [KeyRecord] {
        try await askPeers(for: .keyUses)
        let now = clock.now()
        let handle = try tenant.map { name throws(LedgerFailure) in try account(named: name).tenant.handle }
        let keys = books.withLock { books in
            books.keys.values.filter { handle == nil || $0.record.tenant == handle }
                .map { books.listed($0.record, at: now) }
        }
        return keys.sorted { ($0.createdAt, $0.id.description) < ($1.createdAt, $1.id.description) }
    }

    /// Issues a successor to a key. Tokens of both are accepted until `overlap` is over; from then on those of the old key
    /// are refused as if it had been revoked. No call fails on account of it.
    ///
    /// - Parameters:
    ///   - id: A key that is active. One that is retiring has a successor already.
    ///   - overlap: From nothing, which ends the old key at once, to 366 days.
    ///   - actor: Who does it, for the audit log.
    ///   - key: As for ``issueKey(for:by:under:)``.
    /// - Throws: ``LedgerFailure/noSuchKey(_:)``, ``LedgerFailure/keyNotActive(_:)``, ``LedgerFailure/invalidOverlap``,
    ///   ``LedgerFailure/unavailable(_:)``.
    public func rotateKey(
        _ id: KeyID, overlap: Duration, by actor: Actor, under key: RequestKey? = nil
    ) async throws(LedgerFailure) -> IssuedKey {
        guard overlap >= .zero, overlap <= .seconds(366 * 86_400) else { throw .invalidOverlap }
        let request = prepared(key, ["rotateKey", "\(id)", "\(overlap.components)"], by: actor)
        return try await commits.submit { draft in
            try draft.once(request, by: actor) { draft in
                try Self.rotateKey(id, overlap: overlap, by: actor, in: &draft)
            }
        }
    }

    private static func rotateKey(
        _ id: KeyID, overlap: Duration, by actor: Actor, in draft: inout Draft
    ) throws -> IssuedKey {
        guard var key = draft.key(id), let account = draft.account(key.record.tenant) else {
            throw LedgerFailure.noSuchKey("\(id)")
        }
        let before = key.record.rolled(to: draft.now).state
        guard before == .active else { throw LedgerFailure.keyNotActive("\(id)") }
        let issued = try issueKey(for: account.tenant, by: actor, in: &draft)
        let deadline = draft.now + overlap
        key.record.expiresAt = deadline
        key.record.successor = issued.key.id
        draft.set(key)
        try draft.execute(
            "UPDATE key SET expires_at = ?, successor = ? WHERE id = ?",
            [deadline.nanoseconds, "\(issued.key.id)", "\(id)"]
        )
        var entry = try draft.entry(.keyRotated, by: actor)
        entry.tenant = key.record.tenant
        entry.keyID = "\(id)"
        entry.before = .object(["state": .string(before.name)])
        entry.after = .object([
            "state": .string(key.record.state.name), "successor": .string("\(issued.key.id)"),
            "until_ms": .integer(deadline.milliseconds),
        ])
        try draft.audit(entry)
        return issued
    }

    /// Revokes a tenant's key for good: no call is accepted with it from now on. Revoking it again changes nothing.
    ///
    /// - Returns: the key as it is now.
    /// - Throws: ``LedgerFailure/noSuchKey(_:)``, ``LedgerFailure/unavailable(_:)``.
    @discardableResult
    public func revokeKey(_ id: KeyID, by actor: Actor) async throws(LedgerFailure) -> KeyRecord {
        let record = try await commits.submit { draft in
            guard let key = draft.key(id) else { throw LedgerFailure.noSuchKey("\(id)") }
            return try Self.revoke(key, by: actor, in: &draft)
        }
        let now = clock.now()
        return books.withLock { $0.listed(record, at: now) }
    }

    /// Revokes a key in the commit that is being written.
    ///
    /// - Returns: the key as it is now; unchanged if it was revoked before.
    static func revoke(
        _ key: Books.Key, by actor: Actor, because reason: String? = nil, in draft: inout Draft
    ) throws -> KeyRecord {
        var key = key
        let before = key.record.rolled(to: draft.now).state
        guard before != .revoked else { return key.record }
        let id = "\(key.record.id)"
        key.record.revokedAt = draft.now
        draft.set(key)
        try draft.execute("UPDATE key SET revoked_at = ? WHERE id = ?", [draft.now.nanoseconds, id])
        var entry = try draft.entry(.keyRevoked, by: actor)
        entry.tenant = key.record.tenant
        entry.keyID = id
        entry.reason = reason
        entry.before = .object(["state": .string(before.name)])
        entry.after = .object(["state": .string(key.record.state.name)])
        try draft.audit(entry)
        return key.record
    }
}

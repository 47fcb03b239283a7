public import Auth
import GRDB
import Quota

extension Ledger {
    /// Issues a key and its unrestricted token. The token is not kept and cannot be shown again.
    ///
    /// - Throws: ``LedgerFailure/noSuchTenant(_:)``, ``LedgerFailure/unavailable(_:)``.
    public func issueKey(for tenant: String, by actor: String) async throws(LedgerFailure) -> IssuedKey {
        let id = KeyID.random()
        let secret = KeySecret.random()
        let sealed: [UInt8]
        do {
            sealed = try sealer.seal(secret.exported(), as: Accounts.secretLabel("\(id)"))
        } catch {
            throw .unavailable("the key could not be sealed")
        }
        let verifier = TokenVerifier(keyID: id, secret: secret)
        let record = try await commits.submit { draft in
            guard let account = draft.account(tenant) else { throw LedgerFailure.noSuchTenant(tenant) }
            let record = KeyRecord(id: id, tenant: tenant, createdAt: draft.now)
            try draft.execute(
                "INSERT INTO key (id, tenant, sealed_secret, created_at) VALUES (?, ?, ?, ?)",
                ["\(id)", account.tenant.id, Blob.value(sealed), draft.now.nanoseconds]
            )
            draft.set(Books.Key(record: record, verifier: verifier))
            var entry = AuditEntry(.keyIssued)
            entry.actor = actor
            entry.tenant = tenant
            entry.keyID = "\(id)"
            try draft.audit(entry)
            return record
        }
        return IssuedKey(key: record, token: Token.mint(id, secret: secret))
    }

    /// The keys of one tenant, or all of them, the oldest first.
    ///
    /// - Throws: ``LedgerFailure/noSuchTenant(_:)``.
    public func keys(of tenant: String? = nil) async throws(LedgerFailure) -> [KeyRecord] {
        let (isKnown, keys) = books.withLock { books in
            (tenant.map { books.accounts[$0] != nil } ?? true, books.keys.values.map(\.record))
        }
        if let tenant, !isKnown { throw .noSuchTenant(tenant) }
        return keys.filter { tenant == nil || $0.tenant == tenant }
            .sorted { ($0.createdAt, $0.id.description) < ($1.createdAt, $1.id.description) }
    }

    /// Revokes a key for good: no call is accepted with it from now on. Revoking it again changes nothing.
    ///
    /// - Returns: the key as it is now.
    /// - Throws: ``LedgerFailure/noSuchKey(_:)``, ``LedgerFailure/unavailable(_:)``.
    @discardableResult
    public func revokeKey(_ id: KeyID, by actor: String) async throws(LedgerFailure) -> KeyRecord {
        try await commits.submit { draft in
            guard var key = draft.key(id) else { throw LedgerFailure.noSuchKey("\(id)") }
            guard key.record.state == .active else { return key.record }
            key.record.revokedAt = draft.now
            draft.set(key)
            try draft.execute("UPDATE key SET revoked_at = ? WHERE id = ?", [draft.now.nanoseconds, "\(id)"])
            var entry = AuditEntry(.keyRevoked)
            entry.actor = actor
            entry.tenant = key.record.tenant
            entry.keyID = "\(id)"
            entry.before = .object(["state": .string(KeyRecord.State.active.rawValue)])
            entry.after = .object(["state": .string(KeyRecord.State.revoked.rawValue)])
            try draft.audit(entry)
            return key.record
        }
    }
}

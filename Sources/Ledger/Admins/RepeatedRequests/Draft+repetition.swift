import Auth
import Quota

extension Draft {
    /// Makes something, of all requests of an administrator with one idempotency key once: the others get what the first
    /// made. One that is refused leaves its key free.
    ///
    /// - Throws: ``LedgerFailure/requestMismatch`` if the key stands for another request,
    ///   ``LedgerFailure/keyRevokedSince(_:)``, ``LedgerFailure/tooManyRequestKeys(retryAfter:)``,
    ///   ``LedgerFailure/actorRefused``; what `make` throws.
    mutating func once<Made: Repeatable>(
        _ request: PreparedRequest?, by actor: Actor, make: (inout Draft) throws -> Made
    ) throws -> Made {
        guard let request else { return try make(&self) }
        if let earlier: Made = try made(under: request, by: actor) { return earlier }
        let new = try make(&self)
        try remember(new, under: request)
        return new
    }

    /// What an earlier request with this key made; nil if there is none whose time is not over.
    mutating func made<Made: Repeatable>(under request: PreparedRequest, by actor: Actor) throws -> Made? {
        let sql = "SELECT fingerprint, kind, made, expires_at FROM admin_request WHERE key = ?"
        guard let row = try database.row(sql, [request.digests.key]) else { return nil }
        guard Moment(nanoseconds: row["expires_at"]) > now else {
            try execute("DELETE FROM admin_request WHERE key = ?", [request.digests.key])
            return nil
        }
        try check(actor)
        guard row["fingerprint"] == request.digests.fingerprint, row["kind"] == Made.kind else {
            throw LedgerFailure.requestMismatch
        }
        let made = try Made(kept: row["made"], in: self)
        if let key = made.mintedKey {
            var entry = try entry(.tokenShownAgain, by: actor)
            entry.tenant = key.tenant
            entry.keyID = "\(key.id)"
            try audit(entry)
        }
        afterCommit { request.key.noteRepetition() }
        return made
    }

    private func remember(_ made: some Repeatable, under request: PreparedRequest) throws {
        let counted = try database.row(
            "SELECT count(*) AS count, min(expires_at) AS first FROM admin_request WHERE administrator = ?",
            [request.administrator])
        if let counted, counted["count"] as Int >= Ledger.mostRequestKeys {
            let first: Int64? = counted["first"]
            let wait = Moment(nanoseconds: first ?? now.nanoseconds) - now
            throw LedgerFailure.tooManyRequestKeys(retryAfter: max(wait, .seconds(60)))
        }
        try execute(
            """
            INSERT INTO admin_request (key, administrator, fingerprint, kind, made, minted_key, created_at, expires_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                request.digests.key, request.administrator, request.digests.fingerprint, type(of: made).kind,
                try made.kept(), made.mintedKey.map { "\($0.id)" }, now.nanoseconds,
                (now + Ledger.requestKeysKept).nanoseconds,
            ])
    }

    /// A key's secret, as it is sealed in its row.
    func secret(of id: KeyID, in column: SealedColumn) throws -> KeySecret {
        let sql = "SELECT \(column.column) AS sealed FROM \(column.table) WHERE \(column.id) = ?"
        guard let row = try database.row(sql, ["\(id)"]),
            let opened = try? changes.sealer.open(row["sealed"], as: column.label("\(id)")),
            let secret = KeySecret(bytes: opened)
        else { throw LedgerFailure.damaged(column.label("\(id)")) }
        return secret
    }
}

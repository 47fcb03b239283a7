import Auth
import Quota

/// Upstream keys between their rows and the books.
enum UpstreamKeyStore {
    /// All of them, the oldest first.
    static func all(in database: any SQLConnection, sealer: Sealer) throws -> [HeldUpstreamKey] {
        try database.rows("SELECT * FROM upstream_key ORDER BY created_at, id")
            .map { row in try key(row, sealer: sealer) }
    }

    private static func key(_ row: SQLRow, sealer: Sealer) throws -> HeldUpstreamKey {
        let id: String = row["id"]
        let label = SealedColumn.upstreamKey.label(id)
        let opened = try? sealer.open(row["sealed_secret"], as: label)
        guard let secret = opened.flatMap({ UpstreamKeySecret(String(decoding: $0, as: UTF8.self)) }),
            let role = UpstreamKeyRecord.Role(rawValue: row["role"])
        else { throw LedgerFailure.damaged(label) }
        let record = UpstreamKeyRecord(
            id: id, team: row["team"], role: role, createdAt: Moment(nanoseconds: row["created_at"]),
            roleSince: Moment(nanoseconds: row["role_since"]))
        return HeldUpstreamKey(record: record, secret: secret)
    }

    /// What this ledger's gateways are called upstream.
    static func installation(in database: any SQLConnection) throws -> String {
        guard let name = try database.value(String.self, "SELECT name FROM installation") else {
            throw LedgerFailure.unavailable("the ledger's facts are damaged")
        }
        return name
    }
}

extension Draft {
    /// Adds a key, sealed under the root key of this commit.
    mutating func add(_ key: HeldUpstreamKey) throws {
        let record = key.record
        let sealed = try sealed(
            Array(key.secret.exported().utf8), as: SealedColumn.upstreamKey.label(record.id))
        try execute(
            """
            INSERT INTO upstream_key (id, team, role, sealed_secret, created_at, role_since)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            [
                record.id, record.team, record.role.rawValue, sealed, record.createdAt.nanoseconds,
                record.roleSince.nanoseconds,
            ])
        changes.upstreamKeys = upstreamKeys + [key]
    }

    /// Gives a key another role from now on.
    ///
    /// - Returns: its record as it is then.
    mutating func setRole(_ role: UpstreamKeyRecord.Role, of id: String) throws -> UpstreamKeyRecord {
        var keys = upstreamKeys
        guard let index = keys.firstIndex(where: { $0.record.id == id }) else {
            throw LedgerFailure.noSuchUpstreamKey(id)
        }
        keys[index].record.role = role
        keys[index].record.roleSince = now
        try execute(
            "UPDATE upstream_key SET role = ?, role_since = ? WHERE id = ?", [role.rawValue, now.nanoseconds, id])
        changes.upstreamKeys = keys
        return keys[index].record
    }

    /// Forgets a key.
    mutating func removeUpstreamKey(_ id: String) throws {
        try execute("DELETE FROM upstream_key WHERE id = ?", [id])
        changes.upstreamKeys = upstreamKeys.filter { $0.record.id != id }
    }

    func upstreamKey(_ id: String) throws(LedgerFailure) -> UpstreamKeyRecord {
        guard let key = upstreamKeys.first(where: { $0.record.id == id }) else { throw .noSuchUpstreamKey(id) }
        return key.record
    }
}

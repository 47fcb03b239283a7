import Auth
import Quota

/// Tenants, keys, nonces and usage between their rows and the books.
enum Accounts {
    static func load(from database: any SQLConnection, sealer: Sealer, at now: Moment) throws -> Books {
        var books = Books(sealer: sealer)
        var handles: [Int64: String] = [:]
        for row in try rows(of: "", [], in: database) {
            let account = try account(row)
            books.accounts[account.tenant.handle] = account
            books.rates[account.tenant.handle] = RateState(nextFree: moment(row, "rate_next_free"))
            handles[account.tenant.id] = account.tenant.handle
        }
        for row in try database.rows("SELECT * FROM key") {
            let key = try key(row, handles: handles, sealer: sealer)
            books.keys[key.record.id] = key
            books.load(KeyUses(row), of: key.record.id)
        }
        for row in try database.rows("SELECT * FROM admin_key") {
            let key = try adminKey(row, sealer: sealer)
            books.adminKeys[key.record.id] = key
            books.load(KeyUses(row), of: key.record.id)
        }
        books.upstreamKeys = try UpstreamKeyStore.all(in: database, sealer: sealer)
        books.sandboxes = try SandboxStore.book(in: database, handles: handles, sealer: sealer)
        books.nonces = try NonceStore.count(in: database)
        books.notifications = try NotificationStore.count(in: database)
        books.subjects = SubjectCache(rates: try SubjectStore.rates(in: database, at: now))
        books.defaultPolicy = try defaultPolicy(in: database) ?? .standard
        books.pause = try pause(in: database)
        return books
    }

    /// Tenants with their usage.
    static func rows(
        of condition: String, _ parameters: SQLParameters, in database: any SQLConnection
    ) throws -> [SQLRow] {
        try database.rows(
            """
            SELECT tenant.*, usage.usage AS document, usage.rate_next_free
            FROM tenant LEFT JOIN usage ON usage.tenant = tenant.id \(condition)
            """, parameters)
    }

    static func account(_ row: SQLRow) throws -> Books.Account {
        let handle: String = row["name"], name: String? = row["present_name"], former: String? = row["former_names"]
        let tenant = Tenant(
            id: row["id"], handle: handle, name: name ?? handle,
            formerNames: try former.map { try Document.value(from: $0) } ?? [],
            createdAt: Moment(nanoseconds: row["created_at"]), suspension: Suspension(row, since: "disabled_at"),
            deletedAt: moment(row, "deleted_at")
        )
        let usage: String? = row["document"]
        return Books.Account(
            tenant: tenant, policy: try Document.value(from: row["policy"]),
            usage: try usage.map { try Document.value(from: $0) } ?? Usage())
    }

    static func defaultPolicy(in database: any SQLConnection) throws -> Policy? {
        try database.value(String.self, "SELECT policy FROM default_policy").map { try Document.value(from: $0) }
    }

    /// Why nothing new may begin.
    static func pause(in database: any SQLConnection) throws -> Suspension? {
        try database.row("SELECT * FROM pause").flatMap {
            Suspension($0, since: "paused_at", by: "paused_by", reason: "reason")
        }
    }

    static func adminKeys(in database: any SQLConnection, sealer: Sealer) throws -> [Books.AdminKey] {
        try database.rows("SELECT * FROM admin_key").map { try adminKey($0, sealer: sealer) }
    }

    static func key(_ row: SQLRow, handles: [Int64: String], sealer: Sealer) throws -> Books.Key {
        let (id, secret) = try secret(row, of: .key, sealer: sealer)
        guard let tenant = handles[row["tenant"]] else { throw LedgerFailure.damaged("key/\(id)") }
        let successor: String? = row["successor"]
        let record = KeyRecord(
            id: id, tenant: tenant, createdAt: Moment(nanoseconds: row["created_at"]),
            revokedAt: moment(row, "revoked_at"), expiresAt: moment(row, "expires_at"),
            successor: successor.flatMap { KeyID($0) }, suspension: Suspension(row, since: "suspended_at")
        )
        return Books.Key(record: record, verifier: TokenVerifier(keyID: id, secret: secret))
    }

    private static func adminKey(_ row: SQLRow, sealer: Sealer) throws -> Books.AdminKey {
        let (id, secret) = try secret(row, of: .adminKey, sealer: sealer)
        let record = AdminKeyRecord(
            id: id, name: row["name"], scopes: try Document.value(from: row["scopes"]),
            createdAt: Moment(nanoseconds: row["created_at"]), revokedAt: moment(row, "revoked_at")
        )
        return Books.AdminKey(record: record, secret: secret)
    }

    private static func secret(_ row: SQLRow, of column: SealedColumn, sealer: Sealer) throws -> (KeyID, KeySecret) {
        let text: String = row["id"]
        let opened = try? sealer.open(row[column.column], as: column.label(text))
        guard let id = KeyID(text), let secret = opened.flatMap(KeySecret.init(bytes:)) else {
            throw LedgerFailure.damaged(column.label(text))
        }
        return (id, secret)
    }

    static func moment(_ row: SQLRow, _ column: String) -> Moment? {
        let nanoseconds: Int64? = row[column]
        return nanoseconds.map(Moment.init(nanoseconds:))
    }

    static func storeUsage(_ usage: Usage, rate: RateState?, of tenant: Tenant, in database: any SQLConnection) throws {
        try database.execute(
            """
            INSERT INTO usage (tenant, usage, rate_next_free) VALUES (?, ?, ?)
            ON CONFLICT (tenant) DO UPDATE
            SET usage = excluded.usage, rate_next_free = excluded.rate_next_free
            """, [tenant.id, try Document.text(usage), rate?.nextFree?.nanoseconds])
    }
}

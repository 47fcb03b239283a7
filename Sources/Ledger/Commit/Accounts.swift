import Auth
import GRDB
import Quota

/// Tenants, keys and usage between their rows and the books.
enum Accounts {
    static func load(from database: Database, sealer: Sealer) throws -> Books {
        var books = Books()
        var names: [Int64: String] = [:]
        let tenants = try Row.fetchCursor(
            database,
            sql: """
                SELECT id, name, created_at, disabled_at, policy, usage, rate_next_free
                FROM tenant LEFT JOIN usage ON usage.tenant = tenant.id
                """
        )
        while let row = try tenants.next() {
            let tenant = Tenant(
                id: row["id"], name: row["name"], createdAt: Moment(nanoseconds: row["created_at"]),
                disabledAt: moment(row, "disabled_at")
            )
            let usage: String? = row["usage"]
            books.accounts[tenant.name] = Books.Account(
                tenant: tenant, policy: try Document.value(from: row["policy"]),
                usage: try usage.map { try Document.value(from: $0) } ?? Usage()
            )
            books.rates[tenant.name] = RateState(nextFree: moment(row, "rate_next_free"))
            names[tenant.id] = tenant.name
        }
        let keys = try Row.fetchCursor(database, sql: "SELECT * FROM key")
        while let row = try keys.next() {
            let key = try key(row, names: names, sealer: sealer)
            books.keys[key.record.id] = key
        }
        return books
    }

    private static func key(_ row: Row, names: [Int64: String], sealer: Sealer) throws -> Books.Key {
        let text: String = row["id"]
        let label = secretLabel(text)
        guard let id = KeyID(text), let tenant = names[row["tenant"]],
            let secret = KeySecret(bytes: try sealer.open(Blob.bytes(row, "sealed_secret"), as: label))
        else { throw LedgerFailure.unavailable("the ledger's row for key \(text) is damaged") }
        let record = KeyRecord(
            id: id, tenant: tenant, createdAt: Moment(nanoseconds: row["created_at"]),
            revokedAt: moment(row, "revoked_at"), lastUsedAt: moment(row, "last_used_at")
        )
        return Books.Key(record: record, verifier: TokenVerifier(keyID: id, secret: secret))
    }

    /// The place a key's secret is sealed to.
    static func secretLabel(_ id: String) -> String { "key/\(id)" }

    static func moment(_ row: Row, _ column: String) -> Moment? {
        let nanoseconds: Int64? = row[column]
        return nanoseconds.map(Moment.init(nanoseconds:))
    }

    static func storeUsage(_ usage: Usage, rate: RateState?, of tenant: Tenant, in database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO usage (tenant, usage, rate_next_free) VALUES (?, ?, ?)
                ON CONFLICT (tenant) DO UPDATE
                SET usage = excluded.usage, rate_next_free = excluded.rate_next_free
                """
        ).execute(arguments: [tenant.id, try Document.text(usage), rate?.nextFree?.nanoseconds])
    }
}

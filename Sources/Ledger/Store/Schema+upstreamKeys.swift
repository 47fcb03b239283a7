import Auth
import GRDB

extension Schema {
    /// The keys for upstream, and what this ledger's gateways are called there.
    static func addUpstreamKeys(to database: Database) throws {
        try database.execute(sql: upstreamKeys)
        try database.execute(
            sql: "INSERT INTO installation (id, name) VALUES (1, ?)",
            arguments: [Hex.text(SecureRandom.bytes(8))])
    }

    private static let upstreamKeys = """
        -- Keys that upstream issued.
        CREATE TABLE upstream_key (
            id TEXT PRIMARY KEY,
            team TEXT NOT NULL,
            role TEXT NOT NULL CHECK (role IN ('active', 'standby', 'retired')),
            sealed_secret BLOB NOT NULL,
            created_at INTEGER NOT NULL,
            role_since INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX one_active_upstream_key ON upstream_key (role) WHERE role = 'active';

        -- A random name, by which sandboxes upstream are known as this ledger's; its copies bear the same.
        CREATE TABLE installation (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            name TEXT NOT NULL
        ) STRICT;
        """
}

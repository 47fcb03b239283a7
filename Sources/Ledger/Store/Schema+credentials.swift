extension Schema {
    /// Rotation and use of keys, administrators' keys, nonces, more keys of the ledger's own.
    static let credentials = """
        -- Until when a rotated key is accepted, and the key issued in its place.
        ALTER TABLE key ADD COLUMN expires_at INTEGER;
        ALTER TABLE key ADD COLUMN successor TEXT;
        -- How often it was used lately; written late and never judged by.
        ALTER TABLE key ADD COLUMN uses TEXT;

        CREATE TABLE admin_key (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            scopes TEXT NOT NULL,
            sealed_secret BLOB NOT NULL,
            created_at INTEGER NOT NULL,
            revoked_at INTEGER,
            last_used_at INTEGER,
            uses TEXT
        ) STRICT, WITHOUT ROWID;

        -- Nonces of signed requests, digested; a row goes once its time is over.
        CREATE TABLE nonce (
            key TEXT NOT NULL,
            digest BLOB NOT NULL,
            expires_at INTEGER NOT NULL,
            PRIMARY KEY (key, digest)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX nonce_by_end ON nonce (expires_at);

        -- Which keys of its own the ledger has: 1 those of the first version, 2 all of them.
        INSERT INTO fact (name, value) VALUES ('own_keys', 1);
        """

    /// What must be known of nonces when the wall clock is set back.
    static let wallClockOfNonces = """
        -- The same end by the wall clock, from which the request could not be accepted any more. The clocks agree but for
        -- a moment when it is written.
        ALTER TABLE nonce ADD COLUMN until INTEGER NOT NULL DEFAULT 0;
        UPDATE nonce SET until = expires_at;

        -- The greatest `until` of a key's nonces that were forgotten: what ends no later may be a replay of one of them.
        CREATE TABLE forgotten_nonce (
            key TEXT PRIMARY KEY,
            until INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """

    /// How many nonces of each key are remembered, beside up to where they were forgotten, and the way to those that are over.
    static let countedNonces = """
        CREATE TABLE nonce_key (
            key TEXT PRIMARY KEY,
            remembered INTEGER NOT NULL,
            forgotten_until INTEGER
        ) STRICT, WITHOUT ROWID;
        INSERT INTO nonce_key (key, remembered) SELECT key, count(*) FROM nonce GROUP BY key;
        INSERT INTO nonce_key (key, remembered, forgotten_until) SELECT key, 0, until FROM forgotten_nonce WHERE true
        ON CONFLICT (key) DO UPDATE SET forgotten_until = excluded.forgotten_until;
        DROP TABLE forgotten_nonce;
        CREATE INDEX nonce_of_key_by_end ON nonce (key, expires_at);
        """
}

extension Schema {
    /// Idempotency keys of executions, and the replies kept for those who repeat a request.
    static let idempotency = """
        -- What a caller's key, told apart by tenant and subject, was used for. Gone once its time is over.
        CREATE TABLE execution_key (
            execution TEXT PRIMARY KEY REFERENCES execution (id),
            tenant INTEGER NOT NULL REFERENCES tenant (id),
            key TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            -- NULL while the execution runs, both: until when the key holds, and whether the reply is kept.
            expires_at INTEGER,
            reply TEXT
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX execution_key_by_key ON execution_key (tenant, key);
        CREATE INDEX execution_key_by_end ON execution_key (expires_at) WHERE expires_at IS NOT NULL;

        -- Kept replies, in the order in which they make room, sealed under a key of the ledger's own.
        CREATE TABLE execution_reply (
            number INTEGER PRIMARY KEY,
            execution TEXT NOT NULL UNIQUE REFERENCES execution_key (execution),
            tenant INTEGER NOT NULL REFERENCES tenant (id),
            sealed BLOB NOT NULL
        ) STRICT;
        CREATE INDEX execution_reply_of_tenant ON execution_reply (tenant, number);

        -- How many bytes of them a tenant has.
        CREATE TABLE reply_total (
            tenant INTEGER PRIMARY KEY REFERENCES tenant (id),
            bytes INTEGER NOT NULL
        ) STRICT;
        """
}

extension Schema {
    /// Idempotency keys of administrators' requests.
    static let administration = """
        -- What was made under an administrator's key, without what opens anything. Gone once its time is over.
        CREATE TABLE admin_request (
            key TEXT PRIMARY KEY,
            administrator TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            kind TEXT NOT NULL,
            made TEXT NOT NULL,
            -- The key whose token a repeated request gets again.
            minted_key TEXT,
            created_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX admin_request_of_administrator ON admin_request (administrator, expires_at);
        CREATE INDEX admin_request_by_end ON admin_request (expires_at);
        """
}

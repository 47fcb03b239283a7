extension PostgreSQLSchema {
    /// Idempotency keys of administrators' requests.
    static let administration = """
        CREATE TABLE admin_request (
            key TEXT PRIMARY KEY,
            administrator TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            kind TEXT NOT NULL,
            made TEXT NOT NULL,
            minted_key TEXT,
            created_at BIGINT NOT NULL,
            expires_at BIGINT NOT NULL
        );
        CREATE INDEX admin_request_of_administrator ON admin_request (administrator, expires_at);
        CREATE INDEX admin_request_by_end ON admin_request (expires_at);
        """
}

extension PostgreSQLSchema {
    /// Who is signed in to the console.
    static let consoleSessions = """
        CREATE TABLE console_session (
            digest BYTEA PRIMARY KEY,
            key TEXT NOT NULL,
            claims TEXT NOT NULL,
            opened_at BIGINT NOT NULL,
            used_at BIGINT NOT NULL,
            expires_at BIGINT NOT NULL
        );
        CREATE INDEX console_session_of_key ON console_session (key, used_at);

        """
}

extension Schema {
    /// Who is signed in to the console.
    static let consoleSessions = """
        -- Only the hash of what the browser holds; the claims of the token that was shown.
        CREATE TABLE console_session (
            digest BLOB PRIMARY KEY,
            key TEXT NOT NULL,
            claims TEXT NOT NULL,
            opened_at INTEGER NOT NULL,
            used_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX console_session_of_key ON console_session (key, used_at);
        """
}

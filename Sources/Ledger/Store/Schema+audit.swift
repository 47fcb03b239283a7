extension Schema {
    /// Checkpoints, the cut of a retention, how far sinks have got, recorded code.
    static let auditLog = """
        -- Signed statements of where the chain was; `sequence` is the record that the head of this ledger's own stream names.
        CREATE TABLE checkpoint (
            number INTEGER PRIMARY KEY,
            sequence INTEGER NOT NULL,
            document TEXT NOT NULL,
            signature BLOB NOT NULL
        ) STRICT;
        CREATE INDEX checkpoint_by_record ON checkpoint (sequence);

        -- The last record before the oldest kept one, and the record that vouches for the cut.
        ALTER TABLE chain ADD COLUMN base_sequence INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE chain ADD COLUMN base_hash BLOB NOT NULL
            DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000';
        ALTER TABLE chain ADD COLUMN cut_by INTEGER;

        -- What each sink has taken: records and checkpoints up to these.
        CREATE TABLE sink (
            name TEXT PRIMARY KEY,
            sequence INTEGER NOT NULL,
            checkpoint INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        -- Code and context of executions whose tenant's policy wants them kept, sealed under a key of the ledger's own.
        CREATE TABLE recorded_code (
            execution TEXT PRIMARY KEY,
            recorded_at INTEGER NOT NULL,
            sealed BLOB NOT NULL
        ) STRICT;
        CREATE INDEX recorded_code_by_age ON recorded_code (recorded_at);
        """
}

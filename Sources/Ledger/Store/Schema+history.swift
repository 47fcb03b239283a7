extension Schema {
    /// What the console draws, step by step, and what finds the executions of a tenant, and those that went wrong.
    static let history = """
        -- What one gateway did in a minute, by its opening of the ledger and the minute's first instant.
        CREATE TABLE history_minute (
            at INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            document TEXT NOT NULL,
            -- 1 once the hour that it is in has it.
            is_rolled INTEGER NOT NULL,
            PRIMARY KEY (at, epoch)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX unrolled_history_minute ON history_minute (at) WHERE is_rolled = 0;

        -- What all gateways did in an hour.
        CREATE TABLE history_hour (
            at INTEGER PRIMARY KEY,
            document TEXT NOT NULL
        ) STRICT;

        CREATE INDEX execution_of_tenant ON execution (tenant);
        CREATE INDEX execution_gone_wrong ON execution (outcome) WHERE outcome <> 'completed';
        """
}

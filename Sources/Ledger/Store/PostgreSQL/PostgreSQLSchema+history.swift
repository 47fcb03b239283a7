extension PostgreSQLSchema {
    /// What the console draws, and what finds a tenant's executions.
    static let history = """
        CREATE TABLE history_minute (
            at BIGINT NOT NULL,
            epoch BIGINT NOT NULL,
            document TEXT NOT NULL,
            is_rolled BIGINT NOT NULL,
            PRIMARY KEY (at, epoch)
        );
        CREATE INDEX unrolled_history_minute ON history_minute (at) WHERE is_rolled = 0;
        CREATE TABLE history_hour (at BIGINT PRIMARY KEY, document TEXT NOT NULL);
        CREATE INDEX execution_of_tenant ON execution (tenant, rowid);
        CREATE INDEX execution_gone_wrong ON execution (outcome, rowid) WHERE outcome <> 'completed';

        """
}

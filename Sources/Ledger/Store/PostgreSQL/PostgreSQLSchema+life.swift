extension PostgreSQLSchema {
    /// Tenants that are renamed, suspended and deleted, suspended keys, paused work: as `Schema.life` says.
    static let life = """
        ALTER TABLE tenant ADD COLUMN present_name TEXT, ADD COLUMN former_names TEXT, ADD COLUMN deleted_at BIGINT,
            ADD COLUMN suspended_by TEXT, ADD COLUMN suspension_reason TEXT;
        CREATE UNIQUE INDEX tenant_by_present_name ON tenant (coalesce(present_name, name)) WHERE deleted_at IS NULL;
        ALTER TABLE key ADD COLUMN suspended_at BIGINT, ADD COLUMN suspended_by TEXT,
            ADD COLUMN suspension_reason TEXT;
        CREATE TABLE pause (
            id BIGINT PRIMARY KEY CHECK (id = 1),
            paused_at BIGINT NOT NULL,
            paused_by TEXT NOT NULL,
            reason TEXT
        );
        -- Why an administrator had an execution stopped; NULL where its tenant did.
        ALTER TABLE lease ADD COLUMN stop_reason TEXT;

        """
}

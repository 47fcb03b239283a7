extension Schema {
    /// Tenants that are renamed, suspended and deleted, suspended keys, paused work.
    static let life = """
        -- `name` is what the ledger and gateways know a tenant by, and what it was made as: it never changes and is never
        -- another's. What people call it, if that is not the same; what they called it before, a list; when it was deleted.
        ALTER TABLE tenant ADD COLUMN present_name TEXT;
        ALTER TABLE tenant ADD COLUMN former_names TEXT;
        ALTER TABLE tenant ADD COLUMN deleted_at INTEGER;
        CREATE UNIQUE INDEX tenant_by_present_name ON tenant (coalesce(present_name, name)) WHERE deleted_at IS NULL;

        -- Who shut it out (`disabled_at`), and why.
        ALTER TABLE tenant ADD COLUMN suspended_by TEXT;
        ALTER TABLE tenant ADD COLUMN suspension_reason TEXT;
        ALTER TABLE key ADD COLUMN suspended_at INTEGER;
        ALTER TABLE key ADD COLUMN suspended_by TEXT;
        ALTER TABLE key ADD COLUMN suspension_reason TEXT;

        -- That nothing new may begin; without a row it may.
        CREATE TABLE pause (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            paused_at INTEGER NOT NULL,
            paused_by TEXT NOT NULL,
            reason TEXT
        ) STRICT;
        """
}

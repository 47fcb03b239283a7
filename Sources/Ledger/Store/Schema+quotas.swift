extension Schema {
    /// Subjects, what was consumed by day, the policy of new tenants, notifications.
    static let quotas = """
        -- What each subject of a tenant has running and has used; '' is the nameless one.
        CREATE TABLE subject (
            tenant INTEGER NOT NULL REFERENCES tenant (id),
            name TEXT NOT NULL,
            usage TEXT NOT NULL,
            rate_next_free INTEGER,
            changed_at INTEGER NOT NULL,
            PRIMARY KEY (tenant, name)
        ) STRICT, WITHOUT ROWID;

        -- The part of the charge that credits carried; what a shadow policy would have done.
        ALTER TABLE execution ADD COLUMN credit INTEGER;
        ALTER TABLE execution ADD COLUMN shadowed TEXT;

        -- What settled executions came to, by the day of their admission (days since 1970), so that it is known when
        -- they themselves are forgotten. Twice: with a key there are few rows to a day, with a subject there may be many.
        CREATE TABLE consumption (
            tenant INTEGER NOT NULL REFERENCES tenant (id),
            day INTEGER NOT NULL,
            key TEXT NOT NULL,
            executions INTEGER NOT NULL,
            charged INTEGER NOT NULL,
            credit INTEGER NOT NULL,
            overrun INTEGER NOT NULL,
            output_bytes INTEGER NOT NULL,
            shadowed INTEGER NOT NULL,
            PRIMARY KEY (tenant, day, key)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE subject_consumption (
            tenant INTEGER NOT NULL REFERENCES tenant (id),
            day INTEGER NOT NULL,
            subject TEXT NOT NULL,
            executions INTEGER NOT NULL,
            charged INTEGER NOT NULL,
            credit INTEGER NOT NULL,
            overrun INTEGER NOT NULL,
            output_bytes INTEGER NOT NULL,
            shadowed INTEGER NOT NULL,
            PRIMARY KEY (tenant, day, subject)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO consumption
        SELECT tenant, admitted_at / 86400000000000 AS day, key, count(*), sum(charged), 0, sum(overrun),
            sum(output_bytes), 0
        FROM execution WHERE finished_at IS NOT NULL GROUP BY tenant, day, key;
        INSERT INTO subject_consumption
        SELECT tenant, admitted_at / 86400000000000 AS day, coalesce(subject, '') AS name, count(*), sum(charged), 0,
            sum(overrun), sum(output_bytes), 0
        FROM execution WHERE finished_at IS NOT NULL GROUP BY tenant, day, name;

        -- What new tenants get; without a row the standard policy.
        CREATE TABLE default_policy (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            policy TEXT NOT NULL
        ) STRICT;

        -- What somebody is still to be told; a row goes when it was delivered, or when it is too late.
        CREATE TABLE notification (
            id TEXT PRIMARY KEY,
            tenant TEXT NOT NULL,
            document TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            due_at INTEGER NOT NULL,
            attempts INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
}

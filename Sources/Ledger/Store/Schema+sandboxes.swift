extension Schema {
    /// Sandboxes that tenants drive themselves.
    static let sandboxes = """
        -- What is left of one that ended is its past: its row goes with the executions of its time.
        CREATE TABLE owned_sandbox (
            handle TEXT PRIMARY KEY,
            -- Upstream's id, once it is known.
            sandbox TEXT UNIQUE,
            tenant INTEGER NOT NULL REFERENCES tenant (id),
            claims TEXT NOT NULL,
            request_id TEXT NOT NULL,
            trace_id TEXT,
            source_address TEXT NOT NULL,
            template TEXT NOT NULL,
            metadata TEXT NOT NULL,
            expiry TEXT NOT NULL,
            state TEXT NOT NULL,
            epoch INTEGER NOT NULL,
            admitted_at INTEGER NOT NULL,
            started_at INTEGER,
            ends_at INTEGER NOT NULL,
            ended_at INTEGER,
            reason TEXT,
            -- The caller's key, told apart by tenant and subject, and what it was used for.
            idempotency_key TEXT,
            fingerprint TEXT,
            -- Set when it is to be destroyed, and NULL again when it is.
            doomed_at INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX owned_sandbox_alive ON owned_sandbox (state) WHERE state <> 'ended';
        CREATE INDEX owned_sandbox_by_end ON owned_sandbox (ended_at) WHERE ended_at IS NOT NULL;
        CREATE UNIQUE INDEX owned_sandbox_by_key ON owned_sandbox (tenant, idempotency_key)
            WHERE idempotency_key IS NOT NULL;
        CREATE INDEX doomed_owned_sandbox ON owned_sandbox (doomed_at) WHERE doomed_at IS NOT NULL;

        -- The real tokens of those that are there, sealed.
        CREATE TABLE sandbox_access (
            handle TEXT PRIMARY KEY REFERENCES owned_sandbox (handle),
            sealed BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;

        -- What they held and hold, one row from each admission or prolongation to the next settlement.
        CREATE TABLE sandbox_lease (
            number INTEGER PRIMARY KEY,
            handle TEXT NOT NULL REFERENCES owned_sandbox (handle),
            tenant INTEGER NOT NULL REFERENCES tenant (id),
            key TEXT NOT NULL,
            subject TEXT,
            grant_document TEXT,
            timeout_granted INTEGER NOT NULL,
            admitted_at INTEGER NOT NULL,
            held_since INTEGER,
            finished_at INTEGER,
            charged INTEGER,
            credit INTEGER,
            overrun INTEGER,
            shadowed TEXT
        ) STRICT;
        CREATE INDEX lease_of_owned_sandbox ON sandbox_lease (handle);
        CREATE INDEX open_sandbox_lease ON sandbox_lease (handle) WHERE finished_at IS NULL;

        -- How many sandboxes, beside executions, were what was consumed.
        ALTER TABLE consumption ADD COLUMN sandboxes INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE subject_consumption ADD COLUMN sandboxes INTEGER NOT NULL DEFAULT 0;
        """
}

import GRDB

/// The ledger's tables. A migration, once released, is never edited; the next one follows it.
///
/// Instants are nanoseconds since the Unix epoch, durations milliseconds, documents JSON.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 first ledger") { database in
            try database.execute(sql: first)
        }
        migrator.registerMigration("2 credentials") { database in
            try database.execute(sql: credentials)
        }
        migrator.registerMigration("3 nonces by the wall clock") { database in
            try database.execute(sql: wallClockOfNonces)
        }
        migrator.registerMigration("4 quotas") { database in
            try database.execute(sql: quotas)
        }
        migrator.registerMigration("5 audit log") { database in
            try database.execute(sql: auditLog)
        }
        migrator.registerMigration("6 sandboxes") { database in
            try database.execute(sql: sandboxes)
        }
        migrator.registerMigration("7 idempotent executions") { database in
            try database.execute(sql: idempotency)
        }
        migrator.registerMigration("8 upstream keys", migrate: addUpstreamKeys)
        migrator.registerMigration("9 nonces counted by key") { database in
            try database.execute(sql: countedNonces)
        }
        migrator.registerMigration("10 life of tenants") { database in
            try database.execute(sql: life)
        }
        migrator.registerMigration("11 administrators' requests") { database in
            try database.execute(sql: administration)
        }
        migrator.registerMigration("13 console sessions") { database in
            try database.execute(sql: consoleSessions)
        }
        return migrator
    }

    private static let first = """
        -- Facts about the ledger itself, such as the epoch of the process that has it open.
        CREATE TABLE fact (
            name TEXT PRIMARY KEY,
            value INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        -- The ledger's own keys, and the value by which a root key is recognised; sealed.
        CREATE TABLE own_key (
            name TEXT PRIMARY KEY,
            sealed BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE tenant (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            created_at INTEGER NOT NULL,
            disabled_at INTEGER,
            policy TEXT NOT NULL
        ) STRICT;

        -- Apart from the tenant because it changes with every admission.
        CREATE TABLE usage (
            tenant INTEGER PRIMARY KEY REFERENCES tenant (id),
            usage TEXT NOT NULL,
            rate_next_free INTEGER
        ) STRICT;

        CREATE TABLE key (
            id TEXT PRIMARY KEY,
            tenant INTEGER NOT NULL REFERENCES tenant (id),
            sealed_secret BLOB NOT NULL,
            created_at INTEGER NOT NULL,
            revoked_at INTEGER,
            last_used_at INTEGER
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE execution (
            id TEXT PRIMARY KEY,
            tenant INTEGER NOT NULL REFERENCES tenant (id),
            key TEXT NOT NULL,
            subject TEXT,
            request_id TEXT NOT NULL,
            source_address TEXT NOT NULL,
            template TEXT NOT NULL,
            language TEXT NOT NULL,
            code_digest TEXT NOT NULL,
            code_bytes INTEGER NOT NULL,
            context_digest TEXT,
            context_bytes INTEGER NOT NULL,
            timeout_asked INTEGER NOT NULL,
            timeout_granted INTEGER NOT NULL,
            admitted_at INTEGER NOT NULL,
            finished_at INTEGER,
            outcome TEXT,
            reason TEXT,
            charged INTEGER,
            overrun INTEGER,
            output_bytes INTEGER,
            exception TEXT
        ) STRICT;

        -- What is reserved and not yet settled: one row for each execution that runs.
        CREATE TABLE lease (
            execution TEXT PRIMARY KEY REFERENCES execution (id),
            tenant INTEGER NOT NULL REFERENCES tenant (id),
            epoch INTEGER NOT NULL,
            grant_document TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;

        -- Sandboxes that exist as far as the ledger knows; a row goes when its sandbox is destroyed.
        CREATE TABLE sandbox (
            id TEXT PRIMARY KEY,
            execution TEXT NOT NULL REFERENCES execution (id),
            recorded_at INTEGER NOT NULL,
            doomed_at INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX sandbox_of_execution ON sandbox (execution);
        CREATE INDEX doomed_sandbox ON sandbox (doomed_at) WHERE doomed_at IS NOT NULL;

        -- `record` is the canonical text over which `hash` was computed; the other columns only find it.
        CREATE TABLE audit (
            sequence INTEGER PRIMARY KEY,
            hash BLOB NOT NULL,
            record TEXT NOT NULL,
            tenant TEXT,
            execution TEXT
        ) STRICT;
        CREATE INDEX audit_of_tenant ON audit (tenant, sequence) WHERE tenant IS NOT NULL;
        CREATE INDEX audit_of_execution ON audit (execution, sequence) WHERE execution IS NOT NULL;

        -- Where the audit chain ends, and the instant of the last commit.
        CREATE TABLE chain (
            stream TEXT PRIMARY KEY,
            sequence INTEGER NOT NULL,
            hash BLOB NOT NULL,
            committed_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
}

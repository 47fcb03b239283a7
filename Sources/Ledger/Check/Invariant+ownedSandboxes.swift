import Quota

extension Invariant {
    /// A tenant's own sandbox holds one lease while it is being made and while it runs, and none otherwise; what opens it is
    /// kept as long as it is there; and nothing that was settled was charged beyond its ceiling.
    static let ownedSandboxes = Invariant(
        "owned sandboxes", of: "owned_sandbox",
        sql: { _ in
            """
            SELECT 'owned_sandbox/' || handle AS row,
                'is ' || state || ', with ' || leases || ' open leases' || CASE WHEN accesses THEN '' ELSE ', and without its tokens' END
                    || CASE WHEN sandbox.sandbox IS NULL THEN ', and without upstream''s id' ELSE '' END AS problem
            FROM (
                SELECT owned_sandbox.*,
                    (SELECT count(*) FROM sandbox_lease AS lease
                        WHERE lease.handle = owned_sandbox.handle AND finished_at IS NULL) AS leases,
                    EXISTS (SELECT 1 FROM sandbox_access AS access WHERE access.handle = owned_sandbox.handle) AS accesses
                FROM owned_sandbox
            ) AS sandbox
            WHERE CASE state
                WHEN 'creating' THEN leases <> 1 OR accesses
                WHEN 'running' THEN leases <> 1 OR NOT accesses OR sandbox.sandbox IS NULL
                WHEN 'paused' THEN leases <> 0 OR NOT accesses OR sandbox.sandbox IS NULL
                WHEN 'ended' THEN leases <> 0 OR accesses OR ended_at IS NULL
                ELSE TRUE
            END
            UNION ALL
            SELECT 'sandbox_lease/' || number,
                'was charged ' || coalesce(CAST(charged AS TEXT), 'nothing') || ' ms of ' || timeout_granted || ' ms'
            FROM sandbox_lease
            WHERE CASE WHEN finished_at IS NULL THEN grant_document IS NULL OR charged IS NOT NULL
                ELSE charged IS NULL OR credit IS NULL OR charged NOT BETWEEN 0 AND timeout_granted
                    OR credit NOT BETWEEN 0 AND charged OR finished_at < admitted_at
                END
            """
        })

    /// Every tenant's own sandbox has one record of its intent, one of its end if it ended, and its records add up to what it
    /// was charged.
    static let ownedSandboxRecords = Invariant("sandbox records", of: "owned_sandbox") { database, findings in
        let dialect = database.dialect
        let rows = try database.cursor(
            """
            SELECT * FROM (
            SELECT owned_sandbox.handle, state,
                (SELECT CAST(coalesce(sum(charged), 0) AS BIGINT) FROM sandbox_lease AS lease
                    WHERE lease.handle = owned_sandbox.handle) AS charged,
                count(CASE WHEN \(action(dialect)) = '\(AuditAction.sandboxAdmitted.rawValue)' THEN 1 END) AS intents,
                count(CASE WHEN \(action(dialect)) = '\(AuditAction.sandboxEnded.rawValue)' THEN 1 END) AS ends,
                CAST(coalesce(sum(\(dialect.integer("runtime_ms", of: "audit.record"))), 0) AS BIGINT) AS recorded
            FROM owned_sandbox LEFT JOIN audit ON audit.execution = owned_sandbox.handle
            WHERE owned_sandbox.admitted_at >= ?
            GROUP BY owned_sandbox.handle
            ) AS sides
            WHERE intents <> 1 OR ends <> CASE WHEN state = 'ended' THEN 1 ELSE 0 END OR recorded <> charged
            """, [try AuditChain.keptSince(in: database).nanoseconds])
        while let row = try rows.next() {
            let (handle, state): (String, String) = (row["handle"], row["state"])
            let (intents, ends): (Int, Int) = (row["intents"], row["ends"])
            let (charged, recorded): (Int64, Int64) = (row["charged"], row["recorded"])
            findings.add(
                "owned_sandbox/\(handle)",
                "is \(state), charged \(charged) ms; there are \(intents) records of its admission and \(ends) of its end, "
                    + "and they say \(recorded) ms")
        }
    }
}

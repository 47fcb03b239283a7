import Quota

extension Invariant {
    /// The sums by day and key are what the executions of that day came to, as far back as all of them are kept.
    static let consumption = Invariant("consumption", of: "consumption") { database, findings in
        let since = try KeptExecutions.since(in: database).map { ConsumptionKey.day(of: $0) + 1 } ?? .min
        let sandboxes =
            try database.hasTable("sandbox_lease")
            ? """
             UNION ALL SELECT tenant, admitted_at, key, 0, charged, credit FROM sandbox_lease
            WHERE finished_at IS NOT NULL
            """ : ""
        let rows = try database.cursor(
            """
            WITH settled AS (
                SELECT tenant, admitted_at, key, 1 AS executions, charged, coalesce(credit, 0) AS credit
                FROM execution WHERE finished_at IS NOT NULL\(sandboxes)
            ), actual AS (
                SELECT tenant, admitted_at / 86400000000000 AS day, key, sum(executions) AS executions,
                    sum(charged) AS charged, sum(credit) AS credit
                FROM settled GROUP BY tenant, day, key
            )
            SELECT 'consumption/' || tenant.name || '/' || sides.day || '/' || sides.key AS row,
                'says ' || sum(said) || ' executions and ' || sum(said_charged) || ' ms; there were '
                    || sum(there) || ' and ' || sum(charged) || ' ms' AS problem
            FROM (
                SELECT tenant, day, key, executions AS said, charged AS said_charged, credit AS said_credit,
                    0 AS there, 0 AS charged, 0 AS credit
                FROM consumption
                UNION ALL
                SELECT tenant, day, key, 0, 0, 0, executions, charged, credit FROM actual
            ) AS sides JOIN tenant ON tenant.id = sides.tenant
            WHERE sides.day >= ?
            GROUP BY tenant.id, sides.day, sides.key
            HAVING sum(said) <> sum(there) OR sum(said_charged) <> sum(charged) OR sum(said_credit) <> sum(credit)
            """, [since])
        while let row = try rows.next() { findings.add(row["row"], row["problem"]) }
    }

    /// The sums by subject come to the same as those by key, on every day there was.
    static let sums = Invariant(
        "sums", of: "subject_consumption",
        sql: { _ in
            """
            SELECT 'subject_consumption/' || tenant.name || '/' || sides.day AS row,
                'comes to ' || sum(subjects) || ' executions and ' || sum(subjects_charged) || ' ms; consumption to '
                    || sum(keys) || ' and ' || sum(keys_charged) || ' ms' AS problem
            FROM (
                SELECT tenant, day, executions AS keys, charged AS keys_charged, 0 AS subjects, 0 AS subjects_charged
                FROM consumption
                UNION ALL
                SELECT tenant, day, 0, 0, executions, charged FROM subject_consumption
            ) AS sides JOIN tenant ON tenant.id = sides.tenant
            GROUP BY tenant.id, sides.day
            HAVING sum(keys) <> sum(subjects) OR sum(keys_charged) <> sum(subjects_charged)
            """
        })
}

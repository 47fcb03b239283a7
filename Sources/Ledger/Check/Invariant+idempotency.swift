extension Invariant {
    /// Every idempotency key is of one execution of the same tenant, holds for ever while that runs and for a time once it
    /// is over, and has a reply exactly when it says so; and a tenant's replies come to what is counted.
    static let executionKeys = Invariant(
        "execution keys", of: "execution_key",
        sql: { _ in
            """
            SELECT 'execution_key/' || execution_key.execution AS row, CASE
                WHEN execution.id IS NULL THEN 'is of an execution that does not exist'
                WHEN execution.tenant <> execution_key.tenant THEN 'belongs to another tenant than its execution'
                WHEN execution.finished_at IS NULL THEN 'is over, although its execution runs'
                WHEN expires_at IS NULL OR reply IS NULL THEN 'is not over, although its execution is'
                WHEN execution_reply.number IS NULL THEN 'says that a reply is kept, and there is none'
                ELSE 'says that no reply is kept, and there is one'
                END AS problem
            FROM execution_key LEFT JOIN execution ON execution.id = execution_key.execution
                LEFT JOIN execution_reply ON execution_reply.execution = execution_key.execution
            WHERE execution.id IS NULL OR execution.tenant <> execution_key.tenant
                OR (execution.finished_at IS NULL) <> (expires_at IS NULL)
                OR (execution.finished_at IS NULL) <> (reply IS NULL)
                OR (coalesce(reply, '') = 'kept') <> (execution_reply.number IS NOT NULL)
            UNION ALL
            SELECT 'execution_reply/' || execution, 'is of no key of its tenant' FROM execution_reply
            WHERE NOT EXISTS (
                SELECT 1 FROM execution_key
                WHERE execution_key.execution = execution_reply.execution AND execution_key.tenant = execution_reply.tenant)
            UNION ALL
            SELECT 'reply_total/' || tenant.name,
                'says ' || sum(said) || ' bytes; the replies have ' || sum(there)
            FROM (
                SELECT tenant, bytes AS said, 0 AS there FROM reply_total
                UNION ALL
                SELECT tenant, 0, length(sealed) FROM execution_reply
            ) AS sides JOIN tenant ON tenant.id = sides.tenant
            GROUP BY tenant.id HAVING sum(said) <> sum(there)
            """
        })
}

import GRDB

extension Ledger {
    /// What is known of an execution, or nil when this tenant has none of that name.
    public func execution(_ id: String, of tenant: String) async throws(LedgerFailure) -> ExecutionRecord? {
        try await read { database in
            try Row.fetchOne(
                database,
                sql: """
                    SELECT execution.*, tenant.name AS tenant_name
                    FROM execution JOIN tenant ON tenant.id = execution.tenant
                    WHERE execution.id = ? AND tenant.name = ?
                    """,
                arguments: [id, tenant]
            ).map(ExecutionRecord.init(row:))
        }
    }

    /// Which of these executions are over; what the ledger has never heard of is not.
    public func finishedExecutions(among ids: [String]) async throws(LedgerFailure) -> Set<String> {
        try await read { database in
            let query = try database.makeStatement(
                sql: "SELECT EXISTS (SELECT 1 FROM execution WHERE id = ? AND finished_at IS NOT NULL)")
            return Set(try ids.filter { try Bool.fetchOne(query, arguments: [$0]) == true })
        }
    }
}

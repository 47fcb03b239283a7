extension Ledger {
    /// What is known of an execution, or nil when this tenant has none of that name.
    public func execution(_ id: String, of tenant: String) async throws(LedgerFailure) -> ExecutionRecord? {
        try await read { database in
            try database.row(
                """
                SELECT execution.*, tenant.name AS tenant_name
                FROM execution JOIN tenant ON tenant.id = execution.tenant
                WHERE execution.id = ? AND tenant.name = ?
                """, [id, tenant]
            ).map(ExecutionRecord.init(row:))
        }
    }

    /// Which of these executions are over; what the ledger has never heard of is not.
    public func finishedExecutions(among ids: [String]) async throws(LedgerFailure) -> Set<String> {
        try await read { database in
            let query = "SELECT EXISTS (SELECT 1 FROM execution WHERE id = ? AND finished_at IS NOT NULL)"
            return Set(try ids.filter { try database.value(Bool.self, query, [$0]) == true })
        }
    }
}

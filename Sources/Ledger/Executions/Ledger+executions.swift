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
}

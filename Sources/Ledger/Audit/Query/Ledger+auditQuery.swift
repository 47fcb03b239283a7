import Quota

extension Ledger {
    /// Audit records that fit a query. A page looks at a bounded number of records, however few of them fit; go on with
    /// its ``AuditPage/next``.
    public func auditPage(_ query: AuditQuery) async throws(LedgerFailure) -> AuditPage {
        try await read { database in try AuditSearch(query, in: database).page() }
    }

    /// The records of one page.
    public func auditRecords(_ query: AuditQuery) async throws(LedgerFailure) -> [AuditRecord] {
        try await auditPage(query).records
    }
}

import Quota

extension Ledger {
    /// Audit records that fit a query. A page looks at a bounded number of records, however few of them fit; go on with
    /// its ``AuditPage/next``.
    public func auditPage(_ query: AuditQuery) async throws(LedgerFailure) -> AuditPage {
        if query.tenant != nil { try await askPeers(for: .changes) }
        let handles = query.tenant.map(handles(ofThoseCalled:)) ?? []
        return try await read { database in try AuditSearch(query, of: handles, in: database).page() }
    }

    /// The handles of all tenants that are or were called so, deleted or not. A record of somebody who is none is found by what
    /// it says.
    private func handles(ofThoseCalled name: String) -> [String] {
        let handles = books.withLock { books in
            books.accounts.values.filter { $0.tenant.isOrWasCalled(name) }.map(\.tenant.handle)
        }
        return handles.isEmpty ? [name] : handles.sorted()
    }

    /// The records of one page.
    public func auditRecords(_ query: AuditQuery) async throws(LedgerFailure) -> [AuditRecord] {
        try await auditPage(query).records
    }
}

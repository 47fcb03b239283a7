extension Ledger {
    /// Executions that fit, the newest first: those that are kept (``Retention``). Pages of one tenant's cost the same however
    /// many others have, those that run however many are over, and those that went wrong however many were completed.
    ///
    /// - Returns: nil if there is no execution of the id in ``ExecutionQuery/after``.
    /// - Throws: ``LedgerFailure/noSuchTenant(_:)``, ``LedgerFailure/unavailable(_:)``.
    public func executions(_ query: ExecutionQuery) async throws(LedgerFailure) -> [ExecutionRecord]? {
        try await askPeers(for: .changes)
        let tenant: Int64?
        if let name = query.tenant { tenant = try account(named: name).tenant.id } else { tenant = nil }
        return try await read { database in
            guard let numbers = try Self.numbers(of: query, in: database) else { return nil }
            guard !numbers.isEmpty else { return [] }
            let (sql, parameters) = Self.selection(of: query, tenant: tenant, numbers)
            return try database.rows(sql, parameters).map(ExecutionRecord.init(row:))
        }
    }

    /// What is asked of the database.
    ///
    /// - Parameters:
    ///   - tenant: the row of the query's tenant.
    ///   - numbers: between which the executions are.
    static func selection(
        of query: ExecutionQuery, tenant: Int64?, _ numbers: Range<Int64>
    ) -> (sql: String, parameters: SQLParameters) {
        var conditions = ["rowid >= ?", "rowid < ?"]
        var parameters: SQLParameters = [numbers.lowerBound, numbers.upperBound]
        switch query.state {
        case .running?: conditions += ["finished_at IS NULL", "id IN (SELECT execution FROM lease)"]
        case .finished?: conditions.append("finished_at IS NOT NULL")
        case nil: break
        }
        if let tenant {
            // The sign keeps the tenant's index from being preferred to the few leases.
            conditions.append(query.state == .running ? "+tenant = ?" : "tenant = ?")
            parameters.values.append(tenant.sqlValue)
        }
        if let outcome = query.outcome {
            conditions.append("outcome = ?")
            // Said as well, since a database that is asked with a parameter does not know it, and the index is of these. Not of
            // one tenant's, which have an index of their own.
            if tenant == nil, outcome != .completed { conditions.append("outcome <> 'completed'") }
            parameters.values.append(outcome.rawValue.sqlValue)
        }
        parameters.values.append(query.limit.sqlValue)
        // The handle is asked for by the row, so that nobody begins with the tenants and sorts what they had.
        let sql = """
            SELECT *, (SELECT name FROM tenant WHERE tenant.id = execution.tenant) AS tenant_name
            FROM execution WHERE \(conditions.joined(separator: " AND ")) ORDER BY rowid DESC LIMIT ?
            """
        return (sql, parameters)
    }

    /// Between which numbers the executions are that a query's times, and what it goes on from, leave.
    private static func numbers(
        of query: ExecutionQuery, in database: any SQLConnection
    ) throws -> Range<Int64>? {
        var first: Int64 = 0, end = Int64.max
        if let from = query.from {
            guard let number = try ExecutionStore.firstNumber(admittedSince: from, in: database) else { return 0..<0 }
            first = number
        }
        if let to = query.to {
            guard let number = try ExecutionStore.firstNumber(admittedSince: to, in: database) else { return 0..<0 }
            end = number
        }
        if let after = query.after {
            let sql = "SELECT rowid FROM execution WHERE id = ?"
            guard let number = try database.value(Int64.self, sql, [after]) else { return nil }
            end = min(end, number)
        }
        return first..<max(first, end)
    }
}

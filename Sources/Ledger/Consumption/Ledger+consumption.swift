public import Quota

/// How consumption is grouped.
public enum ConsumptionGrouping: String, Sendable, CaseIterable, Codable {
    case tenant, key, subject
}

/// Which consumption is asked for.
public struct ConsumptionQuery: Sendable, Hashable {
    /// Of tenants that are called so only: of one, and of those that were deleted and were called so last.
    public var tenant: String?
    /// Of the tenant with this handle only.
    public var tenantHandle: String?
    /// Of one subject only, as it was recorded, when grouped by subject; empty for the nameless.
    public var subject: String?
    /// One row for each of these.
    public var grouping: ConsumptionGrouping
    /// Whether each day has rows of its own.
    public var isDaily: Bool
    /// The first and the last UTC day, each by any instant in it.
    public var days: ClosedRange<Moment>
    /// At most so many rows, those with the highest charges; with `isDaily` the earliest days.
    public var limit: Int

    /// A query.
    public init(
        tenant: String? = nil, tenantHandle: String? = nil, grouping: ConsumptionGrouping = .tenant,
        isDaily: Bool = false,
        days: ClosedRange<Moment>, limit: Int = 1_000
    ) {
        self.tenant = tenant
        self.tenantHandle = tenantHandle
        self.grouping = grouping
        self.isDaily = isDaily
        self.days = days
        self.limit = limit
    }
}

/// What one tenant, key or subject consumed.
public struct ConsumptionRow: Sendable, Hashable {
    /// What the tenant is called, or was last.
    public let tenant: String
    /// When it was deleted, if it was. One that is called the same has rows of its own.
    public let deletedAt: Moment?
    /// The key's id, or the subject's name, empty for the nameless; nil when grouped by tenant.
    public let name: String?
    /// The first instant of the day, when days have rows of their own.
    public let day: Moment?
    /// How much.
    public let consumption: Consumption
}

extension Ledger {
    /// What this process has charged since it opened the ledger, in milliseconds: executions and sandboxes, as they were settled.
    public var chargedMilliseconds: Int64 { books.withLock(\.chargedMilliseconds) }

    /// What was consumed, from sums by day: the number of executions makes no difference, and those that are forgotten
    /// are in it.
    public func consumption(_ query: ConsumptionQuery) async throws(LedgerFailure) -> [ConsumptionRow] {
        let (table, name) =
            switch query.grouping {
            case .tenant: ("consumption", "NULL")
            case .key: ("consumption", "sums.key")
            case .subject: ("subject_consumption", "sums.subject")
            }
        let day = query.isDaily ? "sums.day" : "NULL"
        let sql = """
            SELECT tenant_id, tenant_name, deleted_at, member, of_day, sum(executions) AS executions, sum(sandboxes) AS sandboxes,
                sum(charged) AS charged, sum(credit) AS credit, sum(overrun) AS overrun,
                sum(output_bytes) AS output_bytes, sum(shadowed) AS shadowed
            FROM (
                SELECT tenant.id AS tenant_id, coalesce(present_name, tenant.name) AS tenant_name, deleted_at, CAST(\(name) AS TEXT) AS member, CAST(\(day) AS BIGINT) AS of_day,
                    executions, sandboxes, charged, credit, overrun, output_bytes, shadowed
                FROM \(table) AS sums JOIN tenant ON tenant.id = sums.tenant
                WHERE sums.tenant IN (
                        SELECT id FROM tenant
                        WHERE (coalesce(present_name, name) = ?1 OR ?1 IS NULL) AND (name = ?6 OR ?6 IS NULL))
                    AND sums.day BETWEEN ?2 AND ?3
            ) AS rows
            WHERE member = ?5 OR ?5 IS NULL
            GROUP BY tenant_id, tenant_name, deleted_at, member, of_day
            ORDER BY of_day, sum(charged) DESC, tenant_name, tenant_id, member LIMIT ?4
            """
        let first = ConsumptionKey.day(of: query.days.lowerBound), last = ConsumptionKey.day(of: query.days.upperBound)
        if let tenant = query.tenant { try await requireKnown(tenant) }
        return try await read { database in
            try database.rows(
                sql, [query.tenant, first, last, query.limit, query.subject?.recordable, query.tenantHandle]
            ).map(ConsumptionRow.init(row:))
        }
    }
}

extension Ledger {
    private func requireKnown(_ tenant: String) async throws(LedgerFailure) {
        try await askPeers(for: .changes)
        let isKnown = books.withLock { $0.accounts.values.contains { $0.tenant.name == tenant } }
        guard isKnown else { throw .noSuchTenant(tenant) }
    }
}

extension ConsumptionRow {
    fileprivate init(row: SQLRow) {
        tenant = row["tenant_name"]
        deletedAt = Accounts.moment(row, "deleted_at")
        name = row["member"]
        let day: Int64? = row["of_day"]
        self.day = day.map { Moment(seconds: $0 * 86_400) }
        var sum = Consumption()
        sum.executions = row["executions"]
        sum.sandboxes = row["sandboxes"]
        sum.chargedMilliseconds = row["charged"]
        sum.creditMilliseconds = row["credit"]
        sum.overrunMilliseconds = row["overrun"]
        sum.outputBytes = row["output_bytes"]
        sum.shadowed = row["shadowed"]
        consumption = sum
    }
}

import Ledger
import Quota

/// What settled executions came to, added up.
public struct ConsumptionView: Codable, Sendable {
    /// What one tenant, key or subject consumed, in the whole time or on one day.
    public struct Row: Codable, Sendable {
        /// What the tenant is called, or was last.
        public var tenant: String
        /// When it was deleted, RFC 3339, if it was. A tenant that is called the same now has rows of its own.
        public var tenantDeletedAt: String?
        /// The key's id, when grouped by key.
        public var keyID: String?
        /// The subject's name, when grouped by subject; absent for calls without one.
        public var subject: String?
        /// The day, `YYYY-MM-DD`, when each has rows of its own.
        public var day: String?
        /// How many executions.
        public var executions: Int64
        /// How many sandboxes of the tenant's own, each counted when its first lease ended.
        public var sandboxes: Int64
        /// Runtime charged.
        public var chargedMilliseconds: Int64
        /// The part of it that credits carried.
        public var creditMilliseconds: Int64
        /// Time held beyond ceilings; not charged.
        public var overrunMilliseconds: Int64
        /// Bytes of output.
        public var outputBytes: Int64
        /// How many executions a shadow policy would have refused or lowered.
        public var shadowed: Int64

        enum CodingKeys: String, CodingKey {
            case tenant, subject, day, executions, sandboxes, shadowed
            case tenantDeletedAt = "tenant_deleted_at"
            case keyID = "key_id"
            case chargedMilliseconds = "charged_ms"
            case creditMilliseconds = "credit_ms"
            case overrunMilliseconds = "overrun_ms"
            case outputBytes = "output_bytes"
        }
    }

    /// The first day, `YYYY-MM-DD`.
    public var from: String
    /// The last day.
    public var to: String
    /// `tenant`, `key` or `subject`.
    public var by: String
    /// The rows: those with the highest charges first; by day, the earliest day first.
    public var rows: [Row]
    /// Whether there are more rows than the limit let through.
    public var truncated: Bool

    /// - Parameter rows: what the query found, which asks for one row more than is shown.
    init(_ query: ConsumptionQuery, _ rows: [ConsumptionRow]) {
        from = Timestamp.dayText(query.days.lowerBound)
        to = Timestamp.dayText(query.days.upperBound)
        by = query.grouping.rawValue
        self.rows = rows.prefix(query.limit - 1).map { Row($0, by: query.grouping) }
        truncated = rows.count >= query.limit
    }
}

extension ConsumptionView.Row {
    fileprivate init(_ row: ConsumptionRow, by grouping: ConsumptionGrouping) {
        let sum = row.consumption
        tenant = row.tenant
        tenantDeletedAt = row.deletedAt.map(Timestamp.text)
        switch grouping {
        case .tenant: break
        case .key: keyID = row.name
        case .subject: subject = row.name.flatMap { $0.isEmpty ? nil : $0 }
        }
        day = row.day.map(Timestamp.dayText)
        executions = sum.executions
        sandboxes = sum.sandboxes
        chargedMilliseconds = sum.chargedMilliseconds
        creditMilliseconds = sum.creditMilliseconds
        overrunMilliseconds = sum.overrunMilliseconds
        outputBytes = sum.outputBytes
        shadowed = sum.shadowed
    }
}

extension Ledger {
    /// What a query finds, and whether that is all.
    func consumptionView(_ query: ConsumptionQuery) async throws(LedgerFailure) -> ConsumptionView {
        ConsumptionView(query, try await consumption(query))
    }
}

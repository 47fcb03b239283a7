import Ledger
import Quota

/// Which consumption to show; unless told otherwise that of all tenants, by tenant, this month so far, up to 1,000 rows.
public struct ConsumptionFilter: Codable, Sendable {
    /// Only this tenant's.
    public var tenant: String?
    /// `tenant`, `key`, or of one tenant `subject`: all tenants' subjects may be millions.
    public var by: String?
    /// Whether each day has rows of its own.
    public var daily: Bool
    /// The first day, `YYYY-MM-DD`; the first of the last day's month unless told otherwise.
    public var from: String?
    /// The last day; today unless told otherwise.
    public var to: String?
    /// At most so many rows, 1 to 10,000.
    public var limit: Int

    /// The most rows unless told otherwise.
    public static let standardLimit = 1_000
    private static let limits = 1...10_000

    /// What to show.
    public init(
        tenant: String? = nil, by: String? = nil, daily: Bool = false, from: String? = nil, to: String? = nil,
        limit: Int = standardLimit
    ) {
        self.tenant = tenant
        self.by = by
        self.daily = daily
        self.from = from
        self.to = to
        self.limit = limit
    }

    /// From the query of a URL.
    init(query: some Collection<(key: Substring, value: Substring)>) throws(Problem) {
        self.init()
        for (name, value) in query {
            switch name {
            case "tenant": tenant = String(value)
            case "by": by = String(value)
            case "from": from = String(value)
            case "to": to = String(value)
            case "daily":
                guard let daily = Bool(String(value)) else { throw .invalidField("daily", "must be true or false") }
                self.daily = daily
            case "limit":
                guard let limit = Int(value) else { throw Self.limitOutOfRange }
                self.limit = limit
            default: continue
            }
        }
    }

    /// The same with every default filled in, one row more than may be shown, so that it is known whether there are more.
    func query(at today: Moment = .now, ofHandle handle: String? = nil) throws(Problem) -> ConsumptionQuery {
        guard let grouping = ConsumptionGrouping(rawValue: by ?? ConsumptionGrouping.tenant.rawValue) else {
            throw .invalidField("by", "must be tenant, key or subject")
        }
        guard grouping != .subject || tenant != nil || handle != nil else {
            throw .invalidField("by", "can be subject for one tenant only: name it")
        }
        guard Self.limits.contains(limit) else { throw Self.limitOutOfRange }
        let last = try to.map { text throws(Problem) in try Self.day(text, "to") } ?? today
        let first =
            try from.map { text throws(Problem) in try Self.day(text, "from") }
            ?? RuntimeWindow.month.bounds(containing: last).lowerBound
        guard first <= last else { throw .invalidField("from", "must not be after \(to == nil ? "today" : "to")") }
        return ConsumptionQuery(
            tenant: tenant, tenantHandle: handle, grouping: grouping, isDaily: daily, days: first...last,
            limit: limit + 1)
    }

    private static func day(_ text: String, _ field: String) throws(Problem) -> Moment {
        guard let day = Timestamp.day(text) else { throw .invalidField(field, "must be a day like 2026-11-30") }
        return day
    }

    private static let limitOutOfRange = Problem.invalidField("limit", "must be from 1 to 10000")
}

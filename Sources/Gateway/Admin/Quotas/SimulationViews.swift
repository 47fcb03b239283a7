import Ledger
import Quota

/// Limits to try on a tenant's past: a change of its policy, and how far to go back.
public struct SimulationOrder: Codable, Sendable {
    /// What is different from the policy in force.
    public var change: PolicyChange
    /// How many days back, 1 to 90.
    public var days: Int

    /// How far back unless told otherwise.
    public static let standardDays = 30
    private static let daysRange = 1...90

    enum CodingKeys: String, CodingKey {
        case days
    }

    /// A change to try on so many days.
    public init(_ change: PolicyChange, days: Int = standardDays) {
        self.change = change
        self.days = days
    }

    /// Reads `days` beside the fields of the change.
    public init(from decoder: any Decoder) throws {
        change = try PolicyChange(from: decoder)
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        days = try fields.decodeIfPresent(Int.self, forKey: .days) ?? Self.standardDays
    }

    /// Writes `days` beside the fields of the change.
    public func encode(to encoder: any Encoder) throws {
        try change.encode(to: encoder)
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(days, forKey: .days)
    }

    static let fieldNames = PolicyChange.CodingKeys.allCases.map(\.rawValue) + [CodingKeys.days.rawValue]

    /// The first instant to look at.
    func start(before now: Moment) throws(Problem) -> Moment {
        guard Self.daysRange.contains(days) else { throw .invalidField("days", "must be from 1 to 90") }
        return now - .seconds(Int64(days) * 86_400)
    }
}

/// What would have become of a tenant's calls under other limits.
public struct SimulationView: Codable, Sendable {
    /// The stretch of the past, RFC 3339: from this instant …
    public var from: String
    /// … up to this one.
    public var to: String
    /// The limits that were tried, as if in force.
    public var policy: PolicyView
    /// How many calls there were.
    public var calls: Int
    /// How many would have been refused, by the limit's name.
    public var refused: [String: Int]
    /// How many would have been refused by any limit.
    public var refusals: Int
    /// How many would have been granted less time than they asked for.
    public var lowered: Int
    /// How many of these would have been cut off before they ended by themselves.
    public var cutOff: Int
    /// Runtime that would have been charged.
    public var chargedMilliseconds: Int64
    /// The most executions that would have run at once.
    public var mostAtOnce: Int
    /// When the first call would have been refused, RFC 3339.
    public var firstRefusalAt: String?
    /// How many of the calls were refused at the time, and are taken to have run as long as others did on average.
    public var refusedThen: Int
    /// How many more were refused and not replayed: of those that one audit record counts, a thousand are.
    public var leftOut: Int

    enum CodingKeys: String, CodingKey {
        case from, to, policy, calls, refused, refusals, lowered
        case cutOff = "cut_off"
        case chargedMilliseconds = "charged_ms"
        case mostAtOnce = "most_at_once"
        case firstRefusalAt = "first_refusal_at"
        case refusedThen = "refused_then"
        case leftOut = "left_out"
    }

    init(_ report: SimulationReport) {
        let result = report.result
        from = Timestamp.text(report.period.lowerBound)
        to = Timestamp.text(report.period.upperBound)
        policy = PolicyView(report.policy)
        calls = result.calls
        refused = result.refused
        refusals = result.refusals
        lowered = result.lowered
        cutOff = result.cutOff
        chargedMilliseconds = result.chargedMilliseconds
        mostAtOnce = result.mostAtOnce
        firstRefusalAt = result.firstRefusalAt.map(Timestamp.text)
        refusedThen = report.refusedThen
        leftOut = report.leftOut
    }
}

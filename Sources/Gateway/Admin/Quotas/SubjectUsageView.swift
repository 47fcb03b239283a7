import Ledger
import Quota

/// The share of one subject and what is used of it.
public struct SubjectUsageView: Codable, Sendable {
    /// Executions running, and allowed where that is limited.
    public struct Executions: Codable, Sendable {
        /// How many are running.
        public var running: Int
        /// How many are allowed.
        public var limit: Int?
    }

    /// Whose share it is; nil (`null`) for that of all calls without a subject.
    public var name: String?
    /// Executions at once.
    public var executions: Executions
    /// Requests; absent when the rate of subjects is not limited.
    public var rate: UsageView.RateLeft?
    /// Each limited window, shortest first.
    public var runtime: [UsageView.Runtime]

    enum CodingKeys: String, CodingKey {
        case name, executions, rate, runtime
    }

    init(_ subject: UsageReport.Subject) {
        name = subject.name
        executions = Executions(running: subject.usage.executions, limit: subject.limits.executions)
        if let limit = subject.limits.rate, let standing = subject.rate {
            rate = UsageView.RateLeft(remaining: standing.remaining, limit: limit.permits, burst: limit.burst)
        }
        runtime = subject.runtime.map(UsageView.Runtime.init)
    }

    /// Writes the name also when there is none: that is an answer, too.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(name, forKey: .name)
        try fields.encode(executions, forKey: .executions)
        try fields.encodeIfPresent(rate, forKey: .rate)
        try fields.encode(runtime, forKey: .runtime)
    }
}

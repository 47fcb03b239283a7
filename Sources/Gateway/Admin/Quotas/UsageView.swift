import Ledger
import Quota

/// A tenant's limits and what is used of them.
public struct UsageView: Codable, Sendable {
    /// How many there are at once, of executions or sandboxes, and may be.
    public struct AtOnce: Codable, Sendable {
        /// How many are running.
        public var running: Int
        /// How many are allowed.
        public var limit: Int
    }

    /// How the request rate stands.
    public struct RateLeft: Codable, Sendable {
        /// Calls that could come right now.
        public var remaining: Int
        /// How many are allowed.
        public var limit: Int
        /// Calls that may come at once after a pause.
        public var burst: Int
    }

    /// One runtime window.
    public struct Runtime: Codable, Sendable {
        /// `hour`, `day` or `month`, by UTC calendar.
        public var window: String
        /// The limit.
        public var limitMilliseconds: Int64
        /// Settled runtime.
        public var usedMilliseconds: Int64
        /// Runtime that executions in flight and living sandboxes may still use.
        public var reservedMilliseconds: Int64
        /// What may still be reserved.
        public var remainingMilliseconds: Int64
        /// When the window ends, RFC 3339.
        public var resetsAt: String

        enum CodingKeys: String, CodingKey {
            case window
            case limitMilliseconds = "limit_ms"
            case usedMilliseconds = "used_ms"
            case reservedMilliseconds = "reserved_ms"
            case remainingMilliseconds = "remaining_ms"
            case resetsAt = "resets_at"
        }
    }

    /// What is used.
    public struct Usage: Codable, Sendable {
        /// Executions at once.
        public var executions: AtOnce
        /// Sandboxes of the tenant's own at once; those that sleep are not among them.
        public var sandboxes: AtOnce
        /// Requests.
        public var rate: RateLeft
        /// Each limited window, shortest first.
        public var runtime: [Runtime]
    }

    /// The tenant it belongs to.
    public var tenant: String
    /// The limits.
    public var policy: PolicyView
    /// What is used of them.
    public var usage: Usage
    /// Runtime given once, the one that ends first in front.
    public var credits: [CreditView]
    /// The share of one subject; absent when the policy has no limits for subjects.
    public var subject: SubjectUsageView?
    /// The instant for which this holds, RFC 3339.
    public var at: String

    init(tenant: String, _ report: UsageReport) {
        let policy = report.policy
        self.tenant = tenant
        self.policy = PolicyView(policy)
        at = Timestamp.text(report.at)
        usage = Usage(
            executions: AtOnce(running: report.usage.executions, limit: policy.executions),
            sandboxes: AtOnce(running: report.usage.sandboxes, limit: policy.sandboxes),
            rate: RateLeft(
                remaining: report.rate.remaining, limit: policy.rate.permits, burst: policy.rate.burst
            ),
            runtime: report.runtime.map(Runtime.init)
        )
        credits = report.usage.credits.map { CreditView($0, at: report.at) }
        subject = report.subject.map(SubjectUsageView.init)
    }
}

extension UsageView.Runtime {
    init(_ remaining: RuntimeRemaining) {
        window = remaining.window.rawValue
        limitMilliseconds = remaining.limitMilliseconds
        usedMilliseconds = remaining.usedMilliseconds
        reservedMilliseconds = remaining.reservedMilliseconds
        remainingMilliseconds = remaining.remainingMilliseconds
        resetsAt = Timestamp.text(remaining.resetsAt)
    }
}

public import Quota

/// How a tenant stands against its limits.
public struct UsageReport: Sendable, Hashable {
    /// How one of its subjects stands.
    public struct Subject: Sendable, Hashable {
        /// Whose share it is; nil for the nameless subject's.
        public let name: String?
        /// Its limits.
        public let limits: SubjectLimits
        /// What it has running and has used, past windows left out.
        public let usage: Usage
        /// Each runtime limit in its current window, shortest first.
        public let runtime: [RuntimeRemaining]
        /// How many calls could come for it right now; nil when its rate is not limited.
        public let rate: RateStanding?
    }

    /// Its limits.
    public let policy: Policy
    /// What it has running and has used, past windows left out; and its credits.
    public let usage: Usage
    /// Each runtime limit in its current window, shortest first.
    public let runtime: [RuntimeRemaining]
    /// How many calls it could make right now.
    public let rate: RateStanding
    /// The share of a subject; nil when the policy has no limits for subjects.
    public internal(set) var subject: Subject?
    /// The instant for which all of this holds.
    public let at: Moment
}

public import Quota

/// How a tenant stands against its limits.
public struct UsageReport: Sendable, Hashable {
    /// Its limits.
    public let policy: Policy
    /// What it has running and has used, past windows left out.
    public let usage: Usage
    /// Each runtime limit in its current window, shortest first.
    public let runtime: [RuntimeRemaining]
    /// How many calls it could make right now.
    public let ratePermits: Int
    /// How long until it could make a full burst of them.
    public let rateFullIn: Duration
    /// The instant for which all of this holds.
    public let at: Moment
}

/// How somebody stands against a rate, as a caller is told.
public struct RateStanding: Sendable, Hashable {
    /// Calls that could come right now.
    public var remaining: Int
    /// How long until a full burst could.
    public var fullIn: Duration

    /// A standing at some instant.
    public init(remaining: Int, fullIn: Duration) {
        self.remaining = remaining
        self.fullIn = fullIn
    }
}

/// How a tenant and the subject it calls for stand against their rates.
public struct RateStandings: Sendable, Hashable {
    /// The tenant.
    public var tenant: RateStanding
    /// The subject; nil when subjects have no rate.
    public var subject: RateStanding?
    /// The refusal that a shadow policy did not make.
    public var shadowed: Denial?

    /// Standings at some instant; without arguments nothing is left, of nothing.
    public init(
        tenant: RateStanding = RateStanding(remaining: 0, fullIn: .zero), subject: RateStanding? = nil,
        shadowed: Denial? = nil
    ) {
        self.tenant = tenant
        self.subject = subject
        self.shadowed = shadowed
    }
}

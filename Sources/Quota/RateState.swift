/// Where a tenant stands against its rate: one instant, whatever the burst.
///
/// The generic cell rate algorithm in its virtual-scheduling form (ITU-T I.371, Annex A; the Rust crate `governor` in
/// today's code): each call is due one interval after the one before, and may come early by the burst.
public struct RateState: Sendable, Hashable, Codable {
    /// When the next call is due; nil before the first. A call is refused while this is more than the tolerance away.
    public var nextFree: Moment?

    /// A tenant that has not called yet, or one whose state was stored.
    public init(nextFree: Moment? = nil) {
        self.nextFree = nextFree
    }

    /// Takes one permit, or refuses and takes nothing.
    ///
    /// The wait in the refusal is exact: a call one nanosecond earlier is refused, one at that instant admitted, unless
    /// another takes the permit first.
    public mutating func take(under rate: Rate, at now: Moment) throws(Denial) {
        let due = due(under: rate, at: now)
        let early = due.subtractedSaturating(now.nanoseconds) - rate.tolerance
        guard early <= 0 else { throw .rate(limit: rate, retryAfter: .nanoseconds(early)) }
        nextFree = Moment(nanoseconds: due.addedSaturating(rate.interval))
    }

    /// How long until the next permit; zero if there is one now.
    public func wait(under rate: Rate, at now: Moment) -> Duration {
        .nanoseconds(max(0, due(under: rate, at: now).subtractedSaturating(now.nanoseconds) - rate.tolerance))
    }

    /// How many calls could come right now, and how long until a full burst could.
    public func remaining(under rate: Rate, at now: Moment) -> RateStanding {
        let ahead = due(under: rate, at: now).subtractedSaturating(now.nanoseconds)
        return RateStanding(remaining: Int((rate.span - ahead) / rate.interval), fullIn: .nanoseconds(ahead))
    }

    /// When the next call is due, never in the past (a pause earns no more than the burst) and never further ahead than
    /// a full burst (a debt made under an older, slower rate is forgiven when the rate is raised).
    private func due(under rate: Rate, at now: Moment) -> Int64 {
        let latest = now.nanoseconds.addedSaturating(rate.span)
        return min(max(nextFree?.nanoseconds ?? .min, now.nanoseconds), latest)
    }
}

/// Where a tenant and one of its subjects stand against their rates.
public struct RatePair: Sendable, Hashable {
    /// The tenant's.
    public private(set) var tenant: RateState
    /// The subject's; of no meaning when subjects have no rate.
    public private(set) var subject: RateState

    /// Two states; those that are nil have not called yet.
    public init(tenant: RateState? = nil, subject: RateState? = nil) {
        self.tenant = tenant ?? RateState()
        self.subject = subject ?? RateState()
    }

    /// Takes one permit of each, or refuses and takes nothing of either.
    public mutating func take(under policy: Policy, at now: Moment) throws(Denial) {
        var (tenant, subject) = (tenant, subject)
        try tenant.take(under: policy.rate, at: now)
        if let rate = policy.subject?.rate {
            do throws(Denial) { try subject.take(under: rate, at: now) } catch { throw .subject(error) }
        }
        (self.tenant, self.subject) = (tenant, subject)
    }

    /// What is left of both.
    public func standings(under policy: Policy, at now: Moment, shadowed: Denial? = nil) -> RateStandings {
        RateStandings(
            tenant: tenant.remaining(under: policy.rate, at: now),
            subject: policy.subject?.rate.map { subject.remaining(under: $0, at: now) }, shadowed: shadowed
        )
    }
}

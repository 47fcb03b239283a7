/// The two usages that a call is charged to: its tenant's and its subject's.
public struct UsagePair: Sendable, Hashable {
    /// The tenant's.
    public var tenant: Usage
    /// That of the subject on whose behalf the tenant calls; calls without one share the nameless subject's.
    public var subject: Usage

    /// Two usages.
    public init(tenant: Usage = Usage(), subject: Usage = Usage()) {
        self.tenant = tenant
        self.subject = subject
    }

    /// The ceiling that both allow, by limits alone: a shadow policy is judged like any other here.
    ///
    /// - Returns: milliseconds, 1 or more; less than asked for when less is left.
    public func judge(_ demand: Demand, under policy: Policy, at now: Moment) throws(Denial) -> Int64 {
        let timeout = try tenant.judge(demand, under: policy.limits, at: now)
        do throws(Denial) {
            let lowered = Demand(kind: demand.kind, timeoutMilliseconds: timeout)
            return try subject.judge(lowered, under: policy.subjectLimits, at: now)
        } catch {
            throw .subject(error)
        }
    }

    /// Judges every limit of both, then charges both; a denial leaves everything as it was. See ``Usage/admit(_:under:at:)``.
    public mutating func admit(_ demand: Demand, under policy: Policy, at now: Moment) throws(Denial) -> Grant {
        let timeout = policy.shadow ? demand.timeoutMilliseconds : try judge(demand, under: policy, at: now)
        let grant = tenant.reserve(timeout, for: demand, under: policy, at: now)
        return Grant(
            kind: grant.kind, timeoutMilliseconds: grant.timeoutMilliseconds, wasLowered: grant.wasLowered,
            reservations: grant.reservations, credits: grant.credits,
            subjectReservations: subject.reserveInWindows(timeout, for: demand.kind, at: now)
        )
    }

    /// Ends a lease in both; see ``Usage/settle(_:usedMilliseconds:)``.
    public mutating func settle(_ grant: Grant, usedMilliseconds used: Int64) -> Settlement {
        let settlement = tenant.settle(grant, usedMilliseconds: used)
        subject.charge(settlement.chargedMilliseconds, against: grant.subjectReservations)
        subject.end(grant.kind)
        return settlement
    }
}

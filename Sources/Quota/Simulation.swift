/// One call of the past, as far as it matters to limits.
public struct RecordedCall: Sendable, Hashable {
    /// When it asked.
    public var at: Moment
    /// What it asked for, before any limit lowered it.
    public let demand: Demand
    /// On whose behalf; nil for the nameless subject.
    public let subject: String?
    /// How long it held a sandbox, in milliseconds; nil when nobody knows, as of a call that was refused then.
    public let heldMilliseconds: Int64?
    /// How long it waited for that sandbox and for its settlement, in milliseconds: not charged, but in the way of others.
    public let waitedMilliseconds: Int64

    /// A call.
    public init(
        at: Moment, demand: Demand, subject: String?, heldMilliseconds: Int64?, waitedMilliseconds: Int64 = 0
    ) {
        self.at = at
        self.demand = demand
        self.subject = subject
        self.heldMilliseconds = heldMilliseconds
        self.waitedMilliseconds = max(0, waitedMilliseconds)
    }
}

/// Replays calls of the past against limits that were not in force then.
///
/// The calls are fed in order of time. Each one that is admitted holds what it held then, cut at what it would have been
/// granted, and is settled before any call that comes after its end.
public struct Simulation: Sendable {
    /// What would have become of the calls so far.
    public struct Result: Sendable, Hashable {
        /// Calls replayed.
        public var calls = 0
        /// How many would have been refused, by the limit's name.
        public var refused: [String: Int] = [:]
        /// How many would have been granted less than they asked for.
        public var lowered = 0
        /// How many of these would have been cut off before they ended by themselves.
        public var cutOff = 0
        /// Runtime that would have been charged, in milliseconds.
        public var chargedMilliseconds: Int64 = 0
        /// The most executions that would have run at once.
        public var mostAtOnce = 0
        /// When the first call would have been refused.
        public var firstRefusalAt: Moment?

        /// How many would have been refused by any limit.
        public var refusals: Int { refused.values.reduce(0, +) }
    }

    /// An admitted call until its end.
    private struct Running: Sendable {
        let endsAt: Moment
        let grant: Grant
        let subject: SubjectName
        let heldMilliseconds: Int64
    }

    /// The limits that are tried. A shadow policy is tried as if it were in force.
    public let policy: Policy
    /// What became of the calls.
    public private(set) var result = Result()
    private var tenant = Usage()
    private var subjects: [SubjectName: Usage] = [:]
    private var tenantRate = RateState()
    private var subjectRates: [SubjectName: RateState] = [:]
    /// By end, the earliest last, so that it can be taken off.
    private var running: [Running] = []

    /// A simulation before the first call.
    public init(of policy: Policy) {
        var policy = policy
        policy.shadow = false
        self.policy = policy
    }

    /// Replays one call; none may be earlier than the one before.
    ///
    /// - Parameter assumedMilliseconds: how long a call is taken to have held a sandbox of which that is not known.
    public mutating func replay(_ call: RecordedCall, assumedMilliseconds: Int64) {
        settle(upTo: call.at)
        result.calls += 1
        let subject = SubjectName(call.subject)
        do throws(Denial) {
            try takeRate(subject, at: call.at)
            let grant = try admit(call.demand, subject, at: call.at)
            begin(call, grant, subject, held: call.heldMilliseconds ?? assumedMilliseconds)
        } catch {
            result.refused[error.limitName, default: 0] += 1
            result.firstRefusalAt = result.firstRefusalAt ?? call.at
        }
    }

    private mutating func takeRate(_ subject: SubjectName, at now: Moment) throws(Denial) {
        var rates = RatePair(tenant: tenantRate, subject: subjectRates[subject])
        try rates.take(under: policy, at: now)
        tenantRate = rates.tenant
        if policy.subject?.rate != nil { subjectRates[subject] = rates.subject }
    }

    private mutating func admit(_ demand: Demand, _ subject: SubjectName, at now: Moment) throws(Denial) -> Grant {
        var usages = UsagePair(tenant: tenant, subject: subjects[subject] ?? Usage())
        let grant = try usages.admit(demand, under: policy, at: now)
        (tenant, subjects[subject]) = (usages.tenant, usages.subject)
        return grant
    }

    private mutating func begin(_ call: RecordedCall, _ grant: Grant, _ subject: SubjectName, held: Int64) {
        if grant.wasLowered { result.lowered += 1 }
        if held > grant.timeoutMilliseconds { result.cutOff += 1 }
        result.mostAtOnce = max(result.mostAtOnce, tenant.executions)
        let held = min(max(held, 0), grant.timeoutMilliseconds)
        let lease = Running(
            endsAt: call.at + .milliseconds(call.waitedMilliseconds.addedSaturating(held)), grant: grant,
            subject: subject, heldMilliseconds: held)
        let place = running.firstIndex { $0.endsAt <= lease.endsAt } ?? running.endIndex
        running.insert(lease, at: place)
    }

    /// Settles every call that ended by `now`. To be called once more after the last call, with the last instant of all.
    public mutating func settle(upTo now: Moment) {
        while let lease = running.last, lease.endsAt <= now {
            running.removeLast()
            var usages = UsagePair(tenant: tenant, subject: subjects[lease.subject] ?? Usage())
            let settlement = usages.settle(lease.grant, usedMilliseconds: lease.heldMilliseconds)
            usages.tenant.roll(to: now)
            usages.subject.roll(to: now)
            tenant = usages.tenant
            subjects[lease.subject] = usages.subject == Usage() ? nil : usages.subject
            result.chargedMilliseconds += settlement.chargedMilliseconds
        }
    }
}

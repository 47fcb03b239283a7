import Quota

/// What is kept in memory of subjects: usages as they are on disk, and rates, which a gateway that has its ledger to itself
/// writes late.
struct SubjectCache: Sendable {
    /// Beyond so many, some go: usages, which are on disk, and the rates that are at rest or nearest to it.
    static let maximumSubjects = 50_000

    /// By tenant, so that what another gateway changed is forgotten at once.
    private var usages: [String: [SubjectName: Usage]] = [:]
    private(set) var usageCount = 0
    private var states: [String: [SubjectName: RateState]] = [:]
    private var stateCount = 0
    /// Whose rates have changed since they were last written.
    var unwrittenRates: Set<SubjectID> = []

    init(rates: [SubjectID: RateState] = [:]) {
        for (subject, rate) in rates { states[subject.tenant, default: [:]][subject.subject] = rate }
        stateCount = rates.count
    }

    /// Forgets what a tenant's subjects used, which others may have changed.
    mutating func forget(_ tenant: String) {
        usageCount -= usages.removeValue(forKey: tenant)?.count ?? 0
        stateCount -= states.removeValue(forKey: tenant)?.count ?? 0
    }

    func usage(of subject: SubjectID) -> Usage? { usages[subject.tenant]?[subject.subject] }

    func rate(of subject: SubjectID) -> RateState? { states[subject.tenant]?[subject.subject] }

    /// All rates that are kept.
    var rates: [SubjectID: RateState] {
        states.reduce(into: [:]) { all, tenant in
            for (name, rate) in tenant.value { all[SubjectID(of: tenant.key, name)] = rate }
        }
    }

    mutating func set(_ usage: Usage, of subject: SubjectID) {
        if usageCount >= Self.maximumSubjects { (usages, usageCount) = ([:], 0) }
        let former = usages[subject.tenant, default: [:]].updateValue(usage, forKey: subject.subject)
        if former == nil { usageCount += 1 }
    }

    mutating func set(_ rate: RateState, of subject: SubjectID, at now: Moment) {
        if stateCount >= Self.maximumSubjects, self.rate(of: subject) == nil { makeRoom(at: now) }
        let former = states[subject.tenant, default: [:]].updateValue(rate, forKey: subject.subject)
        if former == nil { stateCount += 1 }
    }

    private mutating func makeRoom(at now: Moment) {
        let busy = states.values.flatMap { $0.values.compactMap(\.nextFree) }.filter { $0 > now }.sorted()
        // Many of them busy: those go that would be at rest first. Their tenants' own rates still hold.
        let isCrowded = busy.count > Self.maximumSubjects / 2
        let latest = isCrowded ? busy[busy.count - Self.maximumSubjects / 2] : now
        states = states.mapValues { $0.filter { ($0.value.nextFree ?? now) > latest } }.filter { !$0.value.isEmpty }
        stateCount = states.values.reduce(0) { $0 + $1.count }
        unwrittenRates = unwrittenRates.filter { rate(of: $0) != nil }
    }
}

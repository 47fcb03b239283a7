import Quota

/// What is kept in memory of subjects: usages as they are on disk, and rates, which are written late.
struct SubjectCache: Sendable {
    /// Beyond so many, some go: usages, which are on disk, and the rates that are at rest or nearest to it.
    static let maximumSubjects = 50_000

    private(set) var usages: [SubjectID: Usage] = [:]
    private(set) var rates: [SubjectID: RateState] = [:]
    /// Whose rates have changed since they were last written.
    var unwrittenRates: Set<SubjectID> = []

    init(rates: [SubjectID: RateState] = [:]) {
        self.rates = rates
    }

    /// Forgets what a tenant's subjects used, which others may have changed.
    mutating func forget(_ tenant: String) {
        usages = usages.filter { $0.key.tenant != tenant }
        rates = rates.filter { $0.key.tenant != tenant }
        unwrittenRates = unwrittenRates.filter { $0.tenant != tenant }
    }

    mutating func set(_ usage: Usage, of subject: SubjectID) {
        if usages.count >= Self.maximumSubjects { usages.removeAll(keepingCapacity: true) }
        usages[subject] = usage
    }

    mutating func set(_ rate: RateState, of subject: SubjectID, at now: Moment) {
        if rates.count >= Self.maximumSubjects, rates[subject] == nil {
            let busy = rates.values.compactMap(\.nextFree).filter { $0 > now }.sorted()
            // Many of them busy: those go that would be at rest first. Their tenants' own rates still hold.
            let isCrowded = busy.count > Self.maximumSubjects / 2
            let latest = isCrowded ? busy[busy.count - Self.maximumSubjects / 2] : now
            rates = rates.filter { ($0.value.nextFree ?? now) > latest }
            unwrittenRates.formIntersection(rates.keys)
        }
        rates[subject] = rate
        unwrittenRates.insert(subject)
    }
}

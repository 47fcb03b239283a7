import Quota

/// What is kept in memory of subjects: usages as they are on disk, and rates, which are written late.
struct SubjectCache: Sendable {
    /// Beyond so many, those go of which nothing is lost: usages are on disk, and a rate at rest is as good as none.
    static let maximumSubjects = 50_000

    private(set) var usages: [SubjectID: Usage] = [:]
    private(set) var rates: [SubjectID: RateState] = [:]
    /// Whose rates have changed since they were last written.
    var unwrittenRates: Set<SubjectID> = []

    init(rates: [SubjectID: RateState] = [:]) {
        self.rates = rates
    }

    mutating func set(_ usage: Usage, of subject: SubjectID) {
        if usages.count >= Self.maximumSubjects { usages.removeAll(keepingCapacity: true) }
        usages[subject] = usage
    }

    mutating func set(_ rate: RateState, of subject: SubjectID, at now: Moment) {
        if rates.count >= Self.maximumSubjects, rates[subject] == nil {
            rates = rates.filter { ($0.value.nextFree ?? now) > now }
            // All of them busy: somebody makes up subjects. Their tenant's own rate still holds.
            if rates.count >= Self.maximumSubjects { rates.removeAll(keepingCapacity: true) }
            unwrittenRates.formIntersection(rates.keys)
        }
        rates[subject] = rate
        unwrittenRates.insert(subject)
    }
}

/// Which of a ledger's gateways show life, as far as this one has seen for itself: instants of another's clock prove nothing,
/// and neither does what was written before the database could not be reached.
struct PeerWatch: Sendable {
    private struct Sign {
        /// What the other wrote last.
        let renewedAt: Int64
        /// Since when it has been that.
        let seenSince: ContinuousClock.Instant
    }

    private var signs: [Int64: Sign] = [:]

    /// Takes what is there now.
    ///
    /// - Parameters:
    ///   - renewals: what each of the others wrote last, by its epoch.
    ///   - patience: how long one may show nothing new.
    /// - Returns: those that have not for longer, all of the time within sight, with what they wrote last.
    mutating func silent(
        among renewals: [Int64: Int64], at now: ContinuousClock.Instant, patience: Duration
    ) -> [Int64: Int64] {
        signs = Dictionary(
            uniqueKeysWithValues: renewals.map { epoch, renewedAt in
                let known = signs[epoch]
                let isSame = known?.renewedAt == renewedAt
                return (epoch, Sign(renewedAt: renewedAt, seenSince: isSame ? known?.seenSince ?? now : now))
            })
        return signs.filter { now - $0.value.seenSince >= patience }.mapValues(\.renewedAt)
    }

    /// The database could not be reached: nobody could have shown life.
    mutating func lostSight() { signs = [:] }
}

import E2BUpstream

/// Warm sandboxes, compared with upstream's list. They stand in no ledger: those of this gateway are in its pool or held by an
/// execution, those of other gateways that live are theirs, those of dead ones nobody's.
struct SpareComparison {
    /// Since when those of this gateway are listed that nobody here has: they may just be being made.
    private var unknown: [String: ContinuousClock.Instant] = [:]

    /// How long one may be listed before the answer to its create is taken in and it is warm.
    private static let grace = Duration.seconds(100)

    /// Those of this gateway that nobody has.
    ///
    /// - Parameter epoch: this gateway's.
    mutating func strays(
        among listed: [ListedSandbox], of epoch: Int64, except held: Set<String>,
        at now: ContinuousClock.Instant = .now
    ) -> [ListedSandbox] {
        let ours = listed.filter { $0.isSpare && $0.epoch == epoch && !held.contains($0.id) }
        unknown = ours.reduce(into: [:]) { $0[$1.id] = unknown[$1.id] ?? now }
        return ours.filter { spare in unknown[spare.id].map { now - $0 >= Self.grace } ?? false }
    }

    /// Those of gateways that are gone.
    ///
    /// - Parameter living: the epochs of those that are not.
    static func orphans(among listed: [ListedSandbox], except living: Set<Int64>) -> [ListedSandbox] {
        listed.filter { spare in spare.isSpare && !(spare.epoch.map(living.contains) ?? false) }
    }

    /// Has the pool forget those that upstream has lost.
    ///
    /// - Parameter known: those that the pool, or an execution, had before the list was asked for.
    /// - Returns: how many the pool had.
    func drop(_ pool: WarmPool, missingFrom listed: [ListedSandbox], among known: Set<String>) -> Int {
        let lost = known.subtracting(listed.map(\.id)).intersection(pool.sandboxIDs)
        pool.lost(lost)
        return lost.count
    }
}

extension ListedSandbox {
    fileprivate var isSpare: Bool { metadata[SandboxLabels.kind] == SandboxLabels.Kind.spare.rawValue }

    /// Which gateway it waits in.
    fileprivate var epoch: Int64? { metadata[SandboxLabels.run].flatMap { Int64($0) } }
}

import E2BUpstream

/// Warm sandboxes, compared with upstream's list. They stand in no ledger: those of this process are in its pool or held by an
/// execution, those of a dead one are nobody's.
struct SpareComparison {
    /// This process.
    private let run: String
    /// Since when those of this process are listed that nobody here has: they may just be being made.
    private var unknown: [String: ContinuousClock.Instant] = [:]

    /// How long one may be listed before the answer to its create is taken in and it is warm.
    private static let grace = Duration.seconds(100)

    init(run: String) {
        self.run = run
    }

    /// Those that nobody has.
    mutating func strays(
        among listed: [ListedSandbox], except held: Set<String>, at now: ContinuousClock.Instant = .now
    ) -> [ListedSandbox] {
        let spares = listed.filter {
            $0.metadata[SandboxLabels.kind] == SandboxLabels.Kind.spare.rawValue && !held.contains($0.id)
        }
        let ours = spares.filter { $0.metadata[SandboxLabels.run] == run }
        unknown = ours.reduce(into: [:]) { $0[$1.id] = unknown[$1.id] ?? now }
        return spares.filter { spare in unknown[spare.id].map { now - $0 >= Self.grace } ?? true }
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

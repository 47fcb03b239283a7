/// What upstream has room for, for all tenants together, and how long calls may wait for it.
public struct CapacityLimits: Sendable, Hashable {
    /// Sandboxes at once: 1 to 100,000; nil: not limited.
    public var sandboxes: Int?
    /// Creates; nil: not limited.
    public var creates: Rate?
    /// Calls that may wait at once: 0 to 100,000.
    public var queueLength: Int
    /// How long a call may wait: above zero.
    public var patience: Duration

    /// Limits; by default none, with a queue of 1,000 calls that wait for up to 10 s.
    public init(
        sandboxes: Int? = nil, creates: Rate? = nil, queueLength: Int = 1_000, patience: Duration = .seconds(10)
    ) {
        self.sandboxes = sandboxes
        self.creates = creates
        self.queueLength = queueLength
        self.patience = patience
    }
}

extension CapacityLimits {
    /// What each tenant's guarantee is worth: what it says, as long as all of them fit; otherwise every one is lowered
    /// in the same proportion, rounded down, so that together they fit.
    func honoured(_ guarantees: [String: Int]) -> [String: Int] {
        let sum = guarantees.values.reduce(0, +)
        guard let sandboxes, sum > sandboxes else { return guarantees }
        return guarantees.mapValues { $0 * sandboxes / sum }
    }
}

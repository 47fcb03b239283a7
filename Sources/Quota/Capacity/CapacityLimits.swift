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
    /// What is guaranteed to tenants at one of several gateways: all of them together guarantee what one alone would. Of what
    /// cannot be divided evenly each has about as much.
    ///
    /// - Parameters:
    ///   - guarantees: what tenants are guaranteed altogether.
    ///   - index: which of the gateways it is, from 0.
    public func guarantees(_ guarantees: [String: Int], at index: Int, of gateways: Int) -> [String: Int] {
        var before = 0
        var parts: [String: Int] = [:]
        for (tenant, guaranteed) in Self.honoured(guarantees, of: sandboxes).sorted(by: { $0.key < $1.key }) {
            // They are dealt out one by one, round and round.
            func dealt(_ count: Int) -> Int { max(0, count - index + gateways - 1) / gateways }
            let part = dealt(before + guaranteed) - dealt(before)
            before += guaranteed
            if part > 0 { parts[tenant] = part }
        }
        return parts
    }

    /// What each tenant's guarantee is worth: what it says, as long as all of them fit; otherwise every one is lowered
    /// in the same proportion, rounded down, so that together they fit.
    static func honoured(_ guarantees: [String: Int], of sandboxes: Int?) -> [String: Int] {
        let sum = guarantees.values.reduce(0, +)
        guard let sandboxes, sum > sandboxes else { return guarantees }
        return guarantees.mapValues { $0 * sandboxes / sum }
    }
}

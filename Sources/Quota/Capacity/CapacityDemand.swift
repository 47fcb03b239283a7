/// What one gateway wants of the sandboxes that upstream has room for, when several share them.
public struct CapacityDemand: Sendable, Hashable {
    /// Sandboxes of calls and of tenants', there or about to be, and what is guaranteed to tenants here and not in use: nobody
    /// can take these away.
    public var held: Int
    /// And those that calls wait for. At least `held`.
    public var needed: Int
    /// And warm sandboxes, as many as there are and as are missing. At least `needed`.
    public var wished: Int

    /// A demand; what it says is taken to rise from one to the next.
    public init(held: Int, needed: Int, wished: Int) {
        self.held = max(0, held)
        self.needed = max(self.held, needed)
        self.wished = max(self.needed, wished)
    }

    /// The same without what nobody can be given, so that who wants ever more of it wants the same.
    public func clamped(to whole: Int) -> CapacityDemand {
        CapacityDemand(held: held, needed: max(held, min(needed, whole)), wished: max(held, min(wished, whole)))
    }
}

/// What one gateway has of upstream's room, and what it wants.
public struct CapacityPart: Sendable, Hashable {
    /// Sandboxes that are its own to give out; together with all others' no more than there is room for.
    public var slots: Int
    /// What it wants.
    public var demand: CapacityDemand

    /// A part.
    public init(slots: Int, demand: CapacityDemand) {
        self.slots = slots
        self.demand = demand
    }

    /// Whether calls wait that it has no room for.
    public var isShort: Bool { demand.needed > slots }
}

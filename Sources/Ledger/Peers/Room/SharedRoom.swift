public import Quota

/// Upstream's room, as those divide it among themselves that share a ledger.
public struct SharedRoom: Sendable {
    /// This gateway's number.
    public let epoch: Int64
    /// What each living gateway has and wants that takes part, by its number.
    public internal(set) var parts: [Int64: CapacityPart]
    /// What is taken up by none of them; see ``Ledger/room()``.
    public let gone: Int
    /// By the database's clock.
    public let now: Moment
    /// For how long this gateway lives at least, as far as others are concerned, from when it asked. Afterwards nothing of this
    /// is its own.
    public let livesFor: Duration

    /// What this gateway has; nil if it does not take part yet.
    public var own: CapacityPart? { parts[epoch] }

    /// Which of the living ones this gateway is, also if it does not take part yet, and how many they are.
    public var place: (index: Int, of: Int) {
        let epochs = Set(parts.keys).union([epoch])
        return (epochs.count { $0 < epoch }, epochs.count)
    }

    /// How long each has its turn at what cannot be divided.
    private static let turn = Duration.seconds(2)

    /// Which sandboxes should be this gateway's next.
    ///
    /// - Parameters:
    ///   - whole: how many there are for all.
    ///   - demand: what it wants.
    public func allotment(of whole: Int, for demand: CapacityDemand) -> CapacityAllotment {
        var parts = parts
        parts[epoch] = CapacityPart(slots: own?.slots ?? 0, demand: demand.clamped(to: whole))
        let epochs = parts.keys.sorted()
        let division = CapacityDivision(
            whole: whole, gone: gone, parts: epochs.compactMap { parts[$0] },
            turn: Int(now.nanoseconds / Self.turn.wholeNanoseconds))
        return division.allotment(of: epochs.firstIndex(of: epoch) ?? 0)
    }
}

/// What a gateway says of itself when it asks for another part.
public struct RoomClaim: Sendable {
    /// Sandboxes that upstream has room for, for all gateways together; nil: not limited.
    public var whole: Int?
    /// What it wants.
    public var demand: CapacityDemand
    /// How many sandboxes it uses, or may use by what it was told. No less is written.
    public var claimed: Int
    /// The creates it wants; nil if they are not limited.
    public var creates: CreateOrder?
    /// Gateways that are gone, of which it has looked after all they left. Their parts are nobody's any more.
    public var lookedAfter: Set<Int64>
    /// Whether it gives out nothing any more: its part is what it claims, and no more.
    public var isLeaving = false

    /// A claim.
    public init(
        whole: Int?, demand: CapacityDemand, claimed: Int, creates: CreateOrder? = nil, lookedAfter: Set<Int64> = []
    ) {
        self.whole = whole
        self.demand = demand
        self.claimed = claimed
        self.creates = creates
        self.lookedAfter = lookedAfter
    }
}

/// What a claim came to.
public struct RoomGrant: Sendable {
    /// What it may use of the sandboxes: up to what is written as its part. Nothing where they are not limited.
    public let allotment: CapacityAllotment
    /// How long until each of the creates may go that were booked for it, from when the database was asked.
    public let creates: [Duration]
    /// As it is now.
    public let room: SharedRoom
}

/// What a gateway knows of those that share upstream's room with it.
struct CapacitySharing: Sendable {
    /// As many sandboxes as it may use, with what is guaranteed to tenants; nil: not limited.
    var slots: Int?
    /// Until when what it was told is good; nil: it was told nothing yet.
    var until: Moment?
    /// Warm sandboxes were wanted, and its part has no room for them.
    var lacksRoomForSpares = false
    /// One was wanted, and no create was booked for it.
    var lacksCreateForSpare = false
    /// The newest call whose want the others have been told.
    var toldUpTo: UInt64 = 0

    /// How many calls may wait beyond the queue until it is known whether there is room for them: the database has to be asked.
    static let untold = 64
    /// How many more warm sandboxes are wished for, at least, where some are missing.
    static let fewSpares = 4
}

/// Several gateways share what upstream has room for. Each has a part of the sandboxes, which may change, also to less than it
/// holds: then nothing is given out until enough is released. Creates are booked one by one, from one rate for all.
///
/// This one uses no more than ``claimed``, which grows only when it is told that it may, and by sandboxes found.
extension UpstreamCapacity {
    /// Sandboxes that upstream may have, or get, by what this gateway was told.
    public var claimed: Int { max(ceiling ?? 0, held + spare) }

    /// As many as may be used at once.
    public var ceiling: Int? { sharing == nil ? limits.sandboxes : sharing?.slots }

    /// What this gateway may use from now on.
    ///
    /// - Parameters:
    ///   - allotment: of the sandboxes; nil: not limited.
    ///   - until: when nothing more may be given out by it, since nobody knows whether it is still true.
    public mutating func limitsChanged(
        to allotment: CapacityAllotment?, until: Moment, at now: Moment
    ) -> [CapacityAction] {
        sharing?.until = until
        limits.sandboxes = allotment?.fair
        if allotment?.slots != ceiling {
            sharing?.slots = allotment?.slots
            honourGuarantees()
        }
        let tooMany = ceiling.map { held + spare - $0 - sparesOnTheirWay } ?? 0
        return giveUpSpares(atLeast: max(0, min(tooMany, spare - sparesOnTheirWay))) + act(at: now)
    }

    /// Creates may go at these instants, each once.
    public mutating func createsBooked(_ instants: [Moment], at now: Moment) -> [CapacityAction] {
        creates.book(instants, at: now)
        return act(at: now)
    }

    /// What this gateway wants of upstream's room, to be told the others.
    public mutating func demandAsked() -> CapacityDemand {
        var kept = held, needed = held
        for tenant in Set(lines.tenants).union(guarantees.keys) {
            let unused = max(0, (guarantees[tenant] ?? 0) - (shares[tenant]?.held ?? 0))
            kept += unused
            needed += max(unused, lines.count(of: tenant))
        }
        let missing = sharing?.lacksRoomForSpares == true ? max(CapacitySharing.fewSpares, spare) : 0
        sharing?.lacksRoomForSpares = false
        sharing?.toldUpTo = lastTicket
        return CapacityDemand(held: kept, needed: needed, wished: needed + spare + missing)
    }

    /// The demand was told, and all that could be had for it is there. Who waits now waits for others.
    public mutating func demandMet(at now: Moment) -> [CapacityAction] {
        guard let newest = lines.newest, newest.number <= sharing?.toldUpTo ?? 0 else { return [] }
        var actions: [CapacityAction] = []
        while lines.count > limits.queueLength, let ticket = lines.newestOfTheLongest {
            actions.append(refuse(ticket, at: now))
        }
        return actions
    }

    /// How many creates could go as soon as they are booked, beyond those that are.
    public mutating func createsWanted(at now: Moment) -> Int {
        defer { sharing?.lacksCreateForSpare = false }
        guard case .booked = creates, pause.wait(at: now) == .zero, isCurrent(at: now) else { return 0 }
        let free = ceiling.map { $0 - held - spare } ?? .max
        let borrowable = limits.sandboxes.map { max(0, $0 - held - reserved) } ?? .max
        guard !lines.isEmpty else {
            let wantsSpare = sharing?.lacksCreateForSpare == true && pause.isOpen && min(free, borrowable) > 0
            return wantsSpare ? max(0, 1 - creates.booked(at: now)) : 0
        }
        let guaranteed = lines.tenants.reduce(0) { $0 + min(lines.count(of: $1), shares[$1]?.unused ?? 0) }
        let mayGo = min(lines.count, borrowable < lines.count ? guaranteed + borrowable : .max, free)
        return max(0, min(mayGo, pause.isOpen ? .max : 1) - creates.booked(at: now))
    }

    /// How many creates are booked that have not gone, and still may.
    public func createsBooked(at now: Moment) -> Int { creates.booked(at: now) }

    /// Whether what this gateway was told of its part is still true.
    func isCurrent(at now: Moment) -> Bool {
        guard let sharing, limits.sandboxes != nil else { return true }
        return sharing.until.map { now < $0 } ?? false
    }

    /// How many calls may wait before one is refused for it.
    var mayWait: Int { limits.queueLength + (sharing == nil ? 0 : CapacitySharing.untold) }
}

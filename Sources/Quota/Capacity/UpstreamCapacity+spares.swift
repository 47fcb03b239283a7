/// Warm sandboxes that no call has asked for yet. They take up upstream's room like any other, but only what nobody wants:
/// none is made while a call waits, nor of what is guaranteed to tenants, and they are given up as soon as room is short.
extension UpstreamCapacity {
    /// Slots that warm sandboxes take up: being made, ready, or given up and not gone yet.
    public var spare: Int { spares.count }

    /// One more warm sandbox is wanted. Returns its slot, if there is room that nobody else wants.
    public mutating func spareWanted(at now: Moment) -> CapacityTicket? {
        guard lines.isEmpty, pause.isOpen else { return nil }
        guard limits.sandboxes.map({ $0 - held - spare - reserved > 0 }) ?? true, isCurrent(at: now) else {
            sharing?.lacksRoomForSpares = true
            return nil
        }
        guard creates.count(at: now) > 0 else {
            sharing?.lacksCreateForSpare = true
            return nil
        }
        creates.take(at: now)
        let ticket = nextTicket(of: "")
        spares[ticket] = .kept
        return ticket
    }

    /// A tenant's call wants a warm sandbox. Returns the slot that it holds from now on in place of the spare's; nil if it
    /// must ask as any other, because others wait for room, or what is left is guaranteed to others.
    public mutating func spareTaken(_ ticket: CapacityTicket, by tenant: String) -> CapacityTicket? {
        guard spares[ticket] == .kept else { return nil }
        if let sandboxes = limits.sandboxes {
            let isScarce = (ceiling ?? sandboxes) - held - spare <= 0
            guard lines.isEmpty || !isScarce else { return nil }
            guard sandboxes - held - reserved > 0 || shares[tenant]?.unused ?? 0 > 0 else { return nil }
        }
        spares[ticket] = nil
        let taken = nextTicket(of: tenant)
        serve(taken)
        return taken
    }

    /// Given up, and not gone yet.
    var sparesOnTheirWay: Int { spares.values.count { $0 == .givenUp } }

    /// Gives up as many spares as calls wait for room, or as many as said.
    mutating func giveUpSpares(atLeast least: Int = 0) -> [CapacityAction] {
        var wanted = least
        if let sandboxes = limits.sandboxes, (ceiling ?? sandboxes) - held - spare <= 0,
            mayAnyoneGo(into: sandboxes - held - reserved)
        {
            wanted = max(wanted, lines.count - sparesOnTheirWay)
        }
        guard wanted > 0 else { return [] }
        let kept = spares.filter { $0.value == .kept }.keys.sorted { $0.number < $1.number }
        return kept.prefix(wanted).map { ticket in
            spares[ticket] = .givenUp
            return .giveUp(ticket)
        }
    }

    private func mayAnyoneGo(into borrowable: Int) -> Bool {
        borrowable > 0 || lines.tenants.contains { shares[$0]?.unused ?? 0 > 0 }
    }
}

extension UpstreamCapacity {
    /// Whose turn it is, if anyone may go at all.
    func next(at now: Moment) -> CapacityTicket? {
        guard !lines.isEmpty, pause.wait(at: now) == .zero, isCurrent(at: now) else { return nil }
        let permits = min(creates.count(at: now), pause.isOpen ? .max : 1)
        let free = ceiling.map { $0 - held - spare } ?? .max
        guard permits > 0, free > 0 else { return nil }
        // Below zero when guarantees have been raised beyond what is free: then only their owners may go. What spares take
        // up counts as free: they are given up.
        let borrowable = limits.sandboxes.map { $0 - held - reserved } ?? .max
        let areCreatesScarcer = permits < borrowable

        var best: (turn: Turn, ticket: CapacityTicket)?
        for tenant in lines.tenants {
            let share = shares[tenant] ?? Share()
            guard borrowable > 0 || share.unused > 0, let ticket = lines.first(of: tenant)?.ticket else { continue }
            let turn = Turn(
                held: areCreatesScarcer ? 0 : share.held, lastServing: share.lastServing, ticket: ticket.number
            )
            if best.map({ turn < $0.turn }) ?? true { best = (turn, ticket) }
        }
        return best?.ticket
    }

    /// What a tenant's place in the order is made of.
    private struct Turn: Comparable {
        let held: Int
        let lastServing: UInt64
        let ticket: UInt64

        static func < (left: Turn, right: Turn) -> Bool {
            (left.held, left.lastServing, left.ticket) < (right.held, right.lastServing, right.ticket)
        }
    }
}

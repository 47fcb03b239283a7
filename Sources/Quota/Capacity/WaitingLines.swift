/// The calls that wait, one line for each tenant, first come, first served within it.
struct WaitingLines: Sendable {
    struct Waiter: Sendable {
        let ticket: CapacityTicket
        let deadline: Moment
    }

    /// Never an empty line.
    private var lines: [String: [Waiter]] = [:]
    /// Of all lines together.
    private(set) var count = 0

    var isEmpty: Bool { lines.isEmpty }
    var tenants: Dictionary<String, [Waiter]>.Keys { lines.keys }

    /// How many of the tenant's calls wait.
    func count(of tenant: String) -> Int { lines[tenant]?.count ?? 0 }

    /// The tenant's call that has waited longest.
    func first(of tenant: String) -> Waiter? { lines[tenant]?.first }

    /// The earliest instant at which somebody has waited too long. Within a line the first is the first to do so.
    var earliestDeadline: Moment? { lines.values.compactMap { $0.first?.deadline }.min() }

    mutating func append(_ ticket: CapacityTicket, until deadline: Moment) {
        lines[ticket.tenant, default: []].append(Waiter(ticket: ticket, deadline: deadline))
        count += 1
    }

    /// Does nothing for one that waits no longer.
    mutating func remove(_ ticket: CapacityTicket) {
        guard let index = lines[ticket.tenant]?.firstIndex(where: { $0.ticket == ticket }) else { return }
        lines[ticket.tenant]?.remove(at: index)
        count -= 1
        if lines[ticket.tenant]?.isEmpty == true { lines[ticket.tenant] = nil }
    }

    /// Takes out whoever has waited too long, longest first.
    mutating func removeExpired(at now: Moment) -> [CapacityTicket] {
        let expired = lines.values.flatMap { $0.prefix { $0.deadline <= now }.map(\.ticket) }
        for ticket in expired { remove(ticket) }
        return expired.sorted { $0.number < $1.number }
    }

    /// The newest of all.
    var newest: CapacityTicket? {
        lines.values.compactMap(\.last?.ticket).max { $0.number < $1.number }
    }

    /// The newest call of the longest line; of lines equally long, the newest of all.
    var newestOfTheLongest: CapacityTicket? {
        lines.values.max { left, right in
            (left.count, left.last?.ticket.number ?? 0) < (right.count, right.last?.ticket.number ?? 0)
        }?.last?.ticket
    }
}

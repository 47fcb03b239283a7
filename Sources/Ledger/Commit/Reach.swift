/// Which rows a write may touch. Gateways that share a database take turns over these, and over no more.
enum Reach: Sendable, Hashable {
    /// None that another write could be about to change.
    case own
    /// What belongs to these tenants: usage, subjects, keys, sandboxes, executions.
    case tenants(Set<String>)
    /// How gateways divide upstream's room. Never together with anything else.
    case room
    /// Anything.
    case everything

    static func tenant(_ name: String) -> Reach { .tenants([name]) }

    /// Whether a write of this reach is a commit of its own, where there are others to take turns with: so that nobody who only
    /// wants a tenant's rows waits for it.
    var standsAlone: Bool { self == .room || self == .everything }

    func union(_ other: Reach) -> Reach {
        switch (self, other) {
        case (.everything, _), (_, .everything): .everything
        case (.own, let reach), (let reach, .own): reach
        case (.room, .room): .room
        case (.room, _), (_, .room): .everything
        case (.tenants(let some), .tenants(let more)): .tenants(some.union(more))
        }
    }
}

/// Which rows a write may touch. Gateways that share a database take turns over these, and over no more.
enum Reach: Sendable, Hashable {
    /// None that another write could be about to change.
    case own
    /// What belongs to these tenants: usage, subjects, keys, sandboxes, executions.
    case tenants(Set<String>)
    /// Anything.
    case everything

    static func tenant(_ name: String) -> Reach { .tenants([name]) }

    func union(_ other: Reach) -> Reach {
        switch (self, other) {
        case (.everything, _), (_, .everything): .everything
        case (.own, let reach), (let reach, .own): reach
        case (.tenants(let some), .tenants(let more)): .tenants(some.union(more))
        }
    }
}

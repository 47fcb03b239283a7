import E2BUpstream

/// How it stands with upstream: what of it is in use, what is kept warm, and whether it is well.
public struct UpstreamStanding: Codable, Sendable {
    /// Sandboxes that take up upstream's room.
    public struct Slots: Codable, Sendable {
        /// Held by calls and by tenants' own sandboxes, or being destroyed.
        public let held: Int
        /// Calls that wait for one.
        public let waiting: Int
        /// Taken up by warm sandboxes.
        public let spare: Int
        /// How many this gateway may give out of those that several share; absent where they are not limited, or its alone.
        public let allotment: Int?
    }

    /// A key for upstream, without the key.
    public struct Key: Codable, Sendable {
        /// Its id here.
        public let id: String
        /// Its team's name here.
        public let team: String
        /// `active`, `standby` or `retired`.
        public let role: String
        /// `accepted`, `refused` or `unknown`.
        public let health: String
    }

    /// Whether creates are asked of upstream: `closed` is well, `open` not at all, `half_open` one that finds out.
    public let circuit: String
    /// Its keys.
    public let keys: [Key]
    /// Its room.
    public let slots: Slots
    /// The warm pool.
    public let pool: PoolStanding
    /// What comparing upstream with the ledger has found.
    public let reconciliation: ReconciliationStanding
}

/// Whom to ask how it stands with upstream.
struct UpstreamWatch: Sendable {
    let upstream: E2BClient
    let slots: UpstreamSlots
    let pool: WarmPool
    let reconciler: Reconciler

    var standing: UpstreamStanding {
        let load = slots.load
        return UpstreamStanding(
            circuit: upstream.circuit.standing.word,
            keys: upstream.keys.standings.map {
                .init(id: $0.id, team: $0.team, role: $0.role.rawValue, health: $0.health.rawValue)
            },
            slots: .init(held: load.held, waiting: load.waiting, spare: slots.spare, allotment: slots.allotment),
            pool: pool.standing, reconciliation: reconciler.standing)
    }
}

extension CreateCircuit.Standing {
    fileprivate var word: String {
        switch self {
        case .closed: "closed"
        case .open: "open"
        case .halfOpen: "half_open"
        }
    }
}

/// How a gateway stands among those that share its ledger.
public struct PeerReport: Sendable, Equatable {
    /// The number under which it has the ledger open.
    public let epoch: Int64
    /// How many live, as far as it knows, itself among them.
    public let living: Int
    /// How old what it knows of the others is.
    public let sightAge: Duration
}

extension Ledger {
    /// How this gateway stands among the others, from memory; nil where it has the ledger to itself.
    public var peerReport: PeerReport? { turns.peerReport }
}

import E2BUpstream
import Ledger
import Logging

/// Has sandboxes destroyed that outlived what the ledger knows of them.
///
/// Between upstream's answer to a create and the ledger's record of it there is a moment in which only upstream knows the
/// sandbox; who is killed then leaves one that stands in no ledger. Its labels say whose it is.
struct Strays: Sendable {
    let ledger: Ledger
    let closing: ExecutionClosing
    let slots: UpstreamSlots
    let logger: Logger

    /// Those that are being destroyed already.
    private var found: Set<String> = []

    init(ledger: Ledger, closing: ExecutionClosing, slots: UpstreamSlots, logger: Logger) {
        self.ledger = ledger
        self.closing = closing
        self.slots = slots
        self.logger = logger
    }

    /// Those whose holder is over.
    ///
    /// - Parameters:
    ///   - listed: what upstream has.
    ///   - label: the label that names the holder of each.
    ///   - over: which of these holders are over; what the ledger has never heard of is not.
    static func outliving(
        among listed: [ListedSandbox], of label: String,
        over: ([String]) async throws(LedgerFailure) -> Set<String>
    ) async throws(LedgerFailure) -> [ListedSandbox] {
        let holders = Dictionary(grouping: listed.filter { $0.metadata[label] != nil }) { $0.metadata[label] ?? "" }
        let over = try await over(Array(holders.keys))
        return over.flatMap { holders[$0] ?? [] }
    }

    /// Has these destroyed, but for those that are being destroyed already.
    ///
    /// - Returns: these.
    mutating func destroy(_ strays: [ListedSandbox]) async throws(LedgerFailure) -> [ListedSandbox] {
        // Those that the ledger knows to be doomed are being destroyed.
        let doomed = Set(try await ledger.sandboxesToDestroy())
        var destroyed: [ListedSandbox] = []
        for stray in strays where !doomed.contains(stray.id) && found.insert(stray.id).inserted {
            logger.notice(
                "destroying a sandbox that nobody holds",
                metadata: ["sandbox": "\(stray.id)", "kind": "\(stray.metadata[SandboxLabels.kind] ?? "")"])
            closing.destroy(DoomedSandbox(id: stray.id, slot: slots.slotOfLeftover()))
            destroyed.append(stray)
        }
        return destroyed
    }

    /// Destroys what a gateway left that died before it could.
    mutating func destroyAbandoned() async throws(LedgerFailure) {
        for id in try await ledger.abandonedSandboxes() where found.insert(id).inserted {
            closing.destroy(DoomedSandbox(id: id, slot: slots.slotOfLeftover()))
        }
    }

    /// This one is being destroyed by somebody else.
    mutating func leave(_ id: String) {
        found.insert(id)
    }

    /// Forgets those that are gone.
    mutating func forget(allBut listed: [ListedSandbox]) {
        found.formIntersection(listed.map(\.id))
    }
}

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

    /// - Parameters:
    ///   - listed: what upstream has.
    ///   - label: the label that names the holder of each.
    ///   - over: which of these holders are over; what the ledger has never heard of is not.
    mutating func destroy(
        among listed: [ListedSandbox], of label: String,
        over: ([String]) async throws(LedgerFailure) -> Set<String>
    ) async throws(LedgerFailure) {
        found.formIntersection(listed.map(\.id))
        // Those that the ledger knows to be doomed are being destroyed already.
        found.formUnion(try await ledger.sandboxesToDestroy())
        let holders = Dictionary(grouping: listed) { $0.metadata[label] ?? "" }
        for holder in try await over(Array(holders.keys)) {
            for stray in holders[holder] ?? [] where found.insert(stray.id).inserted {
                logger.notice(
                    "destroying a sandbox that outlived its lease",
                    metadata: ["sandbox": "\(stray.id)", "\(label)": "\(holder)"])
                closing.destroy(DoomedSandbox(id: stray.id, slot: slots.slotOfLeftover()))
            }
        }
    }
}

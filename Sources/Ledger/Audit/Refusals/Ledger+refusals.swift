public import Auth
import Quota

extension Ledger {
    /// How many records of refusals go into one commit.
    private static let recordedAtOnce = 200

    /// Has a refusal recorded, within a second unless the ledger cannot be written; equal ones are counted in one record.
    public func note(_ refusal: RefusedCall) {
        refusals.note(refusal.entry, at: clock.now())
    }

    /// Whether a key is this ledger's, whatever its state: a tenant's or an administrator's.
    public func knows(_ keyID: KeyID) -> Bool {
        books.withLock { $0.keys[keyID] != nil || $0.adminKeys[keyID] != nil }
    }

    /// Writes refusals that wait, and counts that are over. A failure only leaves them unwritten.
    ///
    /// - Parameter all: Also counts that are not over, because the process ends.
    func writeRefusals(all: Bool = false) async {
        while true {
            let records = refusals.take(at: clock.now(), all: all)
            guard !records.isEmpty else { return }
            for start in stride(from: 0, to: records.count, by: Self.recordedAtOnce) {
                let portion = records[start..<min(start + Self.recordedAtOnce, records.count)]
                do {
                    try await commits.submit(.own) { draft in for record in portion { try draft.audit(record) } }
                } catch {
                    return refusals.giveBack(Array(records[start...]))
                }
            }
        }
    }
}

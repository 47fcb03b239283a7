import Quota
import Synchronization

/// Refusals on their way into the chain. Whoever is refused does not wait for the disk, and no flood grows it.
final class RefusalJournal: Sendable {
    private struct State {
        /// Those without a valid credential are told apart apart from the others, so that however many of them there are
        /// a tenant's refusals keep their names.
        var strangers = RefusalFold(maximumKinds: maximumKinds)
        var others = RefusalFold(maximumKinds: maximumKinds)
        /// Records to be written soon.
        var pending: [AuditEntry] = []

        subscript(of refusal: AuditEntry) -> RefusalFold {
            get { refusal.action == .authenticationRefused ? strangers : others }
            _modify {
                if refusal.action == .authenticationRefused { yield &strangers } else { yield &others }
            }
        }
    }

    /// How many kinds are told apart at once, of strangers and of others.
    static let maximumKinds = 1_000
    /// Bounds memory while the ledger cannot be written.
    static let maximumPending = 4_000

    private let state = Mutex(State())

    /// Takes a refusal that is recorded soon.
    func note(_ refusal: AuditEntry, at now: Moment) {
        state.withLock { state in
            guard state.pending.count < Self.maximumPending else {
                return state[of: refusal].noteUnrecorded(refusal, at: now)
            }
            if let record = state[of: refusal].note(refusal, at: now) { state.pending.append(record) }
        }
    }

    /// Takes a refusal that was judged in a commit.
    ///
    /// - Returns: the record to write in that commit; nil if it is counted.
    func record(of refusal: AuditEntry, at now: Moment) -> AuditEntry? {
        state.withLock { $0[of: refusal].note(refusal, at: now) }
    }

    /// What is to be written: records of their own, and when these have been taken, counts that are over.
    func take(at now: Moment, all: Bool = false) -> [AuditEntry] {
        state.withLock { state in
            guard state.pending.isEmpty else {
                defer { state.pending = [] }
                return state.pending
            }
            return state.strangers.close(at: now, all: all) + state.others.close(at: now, all: all)
        }
    }

    /// Takes back what could not be written.
    func giveBack(_ records: [AuditEntry]) {
        state.withLock { $0.pending = records + $0.pending }
    }
}

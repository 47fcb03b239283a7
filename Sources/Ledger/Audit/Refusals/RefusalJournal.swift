import Quota
import Synchronization

/// Refusals on their way into the chain. Whoever is refused does not wait for the disk, and no flood grows it.
final class RefusalJournal: Sendable {
    private struct State {
        /// Only of those who were refused within the last minute.
        var folds: [RefusalOwner: RefusalFold] = [:]
        /// Records to be written soon.
        var pending: [AuditEntry] = []

        subscript(of refusal: AuditEntry) -> RefusalFold {
            get {
                let owner = refusal.refusalOwner
                return folds[owner] ?? RefusalFold(maximumKinds: owner.isStranger ? strangersKinds : maximumKinds)
            }
            set { folds[refusal.refusalOwner] = newValue }
        }
    }

    /// How many kinds of strangers' refusals are told apart at once.
    static let strangersKinds = 1_000
    /// How many of each tenant's and of each administrator's.
    static let maximumKinds = 100
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

    /// The record to write in the commit that judges a refusal; nil if it is only counted. Nothing changes until that
    /// commit is on disk: see ``noteRecorded(_:at:)``.
    func record(of refusal: AuditEntry) -> AuditEntry? {
        state.withLock { $0[of: refusal].record(of: refusal) }
    }

    /// Takes a refusal whose commit is on disk, with its record or with that of an equal one.
    func noteRecorded(_ refusal: AuditEntry, at now: Moment) {
        state.withLock { _ = $0[of: refusal].note(refusal, at: now) }
    }

    /// What is to be written: records of their own, and when these have been taken, counts that are over.
    func take(at now: Moment, all: Bool = false) -> [AuditEntry] {
        state.withLock { state in
            guard state.pending.isEmpty else {
                defer { state.pending = [] }
                return state.pending
            }
            var counted: [AuditEntry] = []
            for owner in Array(state.folds.keys) {
                counted += state.folds[owner]?.close(at: now, all: all) ?? []
                if state.folds[owner]?.isEmpty == true { state.folds[owner] = nil }
            }
            return counted.sorted { ($0.firstAt ?? 0) < ($1.firstAt ?? 0) }
        }
    }

    /// Takes back what could not be written.
    func giveBack(_ records: [AuditEntry]) {
        state.withLock { $0.pending = records + $0.pending }
    }
}

public import Quota
import Synchronization

/// Runtime that a commit charged, for an execution or for a lease of a tenant's own sandbox.
public struct RuntimeCharge: Sendable, Hashable {
    /// Whom, by the tenant's handle.
    public let tenant: String
    /// What for.
    public let kind: Demand.Kind
    /// How much.
    public let milliseconds: Int64
}

/// How one commit of the ledger went.
public struct CommitReport: Sendable {
    /// How many writes it carried.
    public let writes: Int
    /// From its beginning until it was on disk, or had failed.
    public let duration: Duration
    /// Whether it is on disk; where that is not known, it is taken not to be.
    public let isWritten: Bool
    /// What it charged.
    public let charges: [RuntimeCharge]
}

/// Who is told of commits, if anybody is.
final class CommitObserver: Sendable {
    private let observe = Mutex<(@Sendable (CommitReport) -> Void)?>(nil)

    func set(_ observe: @escaping @Sendable (CommitReport) -> Void) { self.observe.withLock { $0 = observe } }

    func tell(
        of writes: Int, isWritten: Bool, charging charges: [RuntimeCharge] = [], since began: ContinuousClock.Instant
    ) {
        let duration = ContinuousClock.now - began
        observe.withLock(\.self)?(
            CommitReport(writes: writes, duration: duration, isWritten: isWritten, charges: charges))
    }
}

extension Ledger {
    /// Has somebody told of every commit from now on, by the thread that writes: it must not take long.
    public func observeCommits(_ observe: @escaping @Sendable (CommitReport) -> Void) {
        commits.observer.set(observe)
    }

    /// How many writes wait for a commit to begin.
    public var waitingWrites: Int { commits.waiting }
}

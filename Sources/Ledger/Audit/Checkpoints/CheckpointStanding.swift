public import Quota

/// How far the last checkpoint is behind the audit log.
public struct CheckpointStanding: Sendable, Equatable {
    /// When it was signed.
    public let at: Moment
    /// Audit records since.
    public let recordsBehind: Int64
}

extension Ledger {
    /// How the checkpoints stand, from memory; nil where another gateway signs them.
    public var checkpointStanding: CheckpointStanding? {
        guard isElected else { return nil }
        return books.withLock { books in
            CheckpointStanding(
                at: books.lastCheckpoint.at, recordsBehind: books.head.sequence - books.lastCheckpoint.sequence)
        }
    }
}

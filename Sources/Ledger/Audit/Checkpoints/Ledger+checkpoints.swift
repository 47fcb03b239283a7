public import Auth
import Quota

extension Ledger {
    /// A checkpoint is due so long after the last one, if the chain has grown.
    private static let rhythm = Duration.seconds(60)
    /// Or after so many records.
    private static let stride: Int64 = 10_000

    /// The key with which checkpoints are verified. It proves nothing by itself: it must have been learnt from here before.
    public var checkpointKey: VerifyingKey { ownKeys.checkpointKey.publicKey }

    /// Signs where the chain is now.
    @discardableResult
    public func makeCheckpoint() async throws(LedgerFailure) -> SignedCheckpoint {
        let key = ownKeys.checkpointKey
        return try await commits.submit { [books] draft in
            let signed = try CheckpointStore.make(signedBy: key, in: draft)
            let made = Books.LastCheckpoint(sequence: try draft.chainEnd.sequence, at: draft.now)
            draft.afterCommit {
                books.withLock { $0.lastCheckpoint = made }
                books.auditHasGrown()
            }
            return signed
        }
    }

    /// Checkpoints behind the one of number `number`, the oldest first, at most 1,001: one more than a page has.
    public func checkpoints(after number: Int64 = 0, limit: Int = 100) async throws(LedgerFailure) -> [SignedCheckpoint]
    {
        let limit = min(max(limit, 1), 1_001)
        return try await read { database in
            try CheckpointStore.checkpoints(after: number, limit: limit, in: database).map(\.signed)
        }
    }

    /// Makes a checkpoint if it is time. In vain only while the ledger is down, which others tell.
    func makeCheckpointIfDue() async {
        let now = clock.now()
        let isDue = books.withLock { books in
            let grown = books.head.sequence - books.lastCheckpoint.sequence
            return grown >= Self.stride || grown > 0 && now - books.lastCheckpoint.at >= Self.rhythm
        }
        if isDue { _ = try? await makeCheckpoint() }
    }
}

import Synchronization

/// A caller's part of a commit, waiting for its turn and then for the disk.
protocol PendingWrite: Sendable {
    /// Which rows it may touch.
    var reach: Reach { get }
    /// Writes into the open transaction, and does nothing else: that may be taken back, and this be called for another.
    func perform(in draft: inout Draft) throws
    /// The transaction is on disk.
    func committed()
    /// Nothing of it was written.
    func failed(_ failure: LedgerFailure)
}

/// A pending write with its result and the caller who waits for it.
final class Write<Value: Sendable>: PendingWrite {
    let reach: Reach
    private let body: @Sendable (inout Draft) throws -> Value
    private let caller: CheckedContinuation<Result<Value, LedgerFailure>, Never>
    private let value = Mutex<Value?>(nil)

    init(
        _ reach: Reach, _ body: @escaping @Sendable (inout Draft) throws -> Value,
        caller: CheckedContinuation<Result<Value, LedgerFailure>, Never>
    ) {
        self.reach = reach
        self.body = body
        self.caller = caller
    }

    func perform(in draft: inout Draft) throws {
        let result = try body(&draft)
        value.withLock { $0 = result }
    }

    func committed() {
        guard let value = value.withLock({ $0 }) else {
            return caller.resume(returning: .failure(.unavailable("a write was committed without a result")))
        }
        caller.resume(returning: .success(value))
    }

    func failed(_ failure: LedgerFailure) {
        caller.resume(returning: .failure(failure))
    }
}

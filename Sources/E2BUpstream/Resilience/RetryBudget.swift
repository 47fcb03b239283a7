import Synchronization

/// How many calls may be repeated: one for every ten that were made, on top of a few, so that a struggling upstream is not
/// struck down by repetitions. After Finagle's `RetryBudget` (twitter.github.io/finagle, "Retries").
final class RetryBudget: Sendable {
    private static let reserve = 20.0
    private static let most = 100.0
    private static let perCall = 0.1

    private let left = Mutex(reserve)

    /// A call was made for the first time.
    func callMade() {
        left.withLock { $0 = min($0 + Self.perCall, Self.most) }
    }

    /// Whether one more may be repeated.
    func mayRepeat() -> Bool {
        left.withLock { left in
            guard left >= 1 else { return false }
            left -= 1
            return true
        }
    }
}

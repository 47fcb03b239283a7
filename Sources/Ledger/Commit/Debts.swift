import Synchronization

/// Writes the ledger owes: what has happened and could not be written, to be tried again until it is.
///
/// Only what belongs to admitted executions ever lands here, so they bound its length.
final class Debts: Sendable {
    struct Debt: Sendable {
        let reach: Reach
        let write: @Sendable (inout Draft) throws -> Void
    }

    private let debts = Mutex<[Debt]>([])

    var count: Int { debts.withLock { $0.count } }

    func owe(_ debt: Debt) {
        debts.withLock { $0.append(debt) }
    }

    /// Takes all of them, oldest first; what still cannot be written is owed again.
    func take() -> [Debt] {
        debts.withLock { debts in
            defer { debts = [] }
            return debts
        }
    }
}

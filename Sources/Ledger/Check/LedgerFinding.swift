/// Something in a ledger that cannot be so.
public struct LedgerFinding: Sendable, Hashable {
    /// Which of the invariants it breaks, such as `usage`.
    public let invariant: String
    /// Where: a row, as table and name, or the file.
    public let row: String
    /// What is wrong with it.
    public let problem: String
}

/// The findings of one invariant. A ledger that is thoroughly broken breaks it in every row; the first are enough.
struct Findings {
    /// How many are kept.
    private static let most = 100

    let invariant: String
    private(set) var kept: [LedgerFinding] = []
    /// How many there were beyond those.
    private(set) var omitted = 0

    init(of invariant: String) {
        self.invariant = invariant
    }

    mutating func add(_ row: String, _ problem: String) {
        guard kept.count < Self.most else { return omitted += 1 }
        kept.append(LedgerFinding(invariant: invariant, row: row, problem: problem))
    }
}

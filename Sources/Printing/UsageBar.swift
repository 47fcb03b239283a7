/// How much of a limit is used and reserved, as a bar and a percentage: `█████▒░░░░ 53 %`.
public struct UsageBar: Sendable {
    private let used: Int64
    private let reserved: Int64
    private let limit: Int64

    private static let width = 10

    /// Parts of a limit, in its own unit; none of them negative. More may be used than the limit allows, when it was
    /// lowered afterwards.
    public init(used: Int64, reserved: Int64 = 0, limit: Int64) {
        self.used = used
        self.reserved = reserved
        self.limit = limit
    }

    /// How much is used, rounded down: 100 means that nothing is left. Of a limit of nothing all is used.
    public var percent: Int64 {
        limit > 0 ? Int64((Double(used) / Double(limit) * 100).rounded(.down)) : 100
    }

    /// Yellow from 80 % on, red from 100 %.
    public var colour: Colour? { percent >= 100 ? .red : percent >= 80 ? .yellow : nil }

    /// The bar: used, reserved, free.
    public func text(_ look: Look) -> String {
        let (usedMark, reservedMark, freeMark) = look.hasUnicode ? ("█", "▒", "░") : ("#", "+", ".")
        let usedCells = cells(used)
        let reservedCells = cells(used + reserved) - usedCells
        let freeCells = Self.width - usedCells - reservedCells
        return String(repeating: usedMark, count: usedCells) + String(repeating: reservedMark, count: reservedCells)
            + String(repeating: freeMark, count: freeCells) + " \(percent) %"
    }

    /// At least one cell for anything, and all of them only for all of it.
    private func cells(_ part: Int64) -> Int {
        guard part > 0 || limit == 0 else { return 0 }
        guard part < limit else { return Self.width }
        return max(1, Int(Double(part) / Double(limit) * Double(Self.width)))
    }
}

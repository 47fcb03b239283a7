/// How gateways share upstream's room for sandboxes.
///
/// Pure: what each has and wants in, what one of them may have out. Whoever changes its own part is alone in doing so, knows
/// all others' as they are, and uses no more than is written: so the sum never exceeds the whole, whoever dies when.
///
/// **Fair.** First what is needed: nobody gets more than another that needs more, except what it holds already. If all needs
/// are met, then what is wished, and a headroom so that the next call finds room at once. The rest stays with nobody, for
/// whoever comes to want it. What cannot be divided evenly goes round: who has one more now has one less at another turn.
public struct CapacityDivision: Sendable {
    /// Sandboxes that upstream has room for.
    public var whole: Int
    /// What of it is taken up by nobody who lives.
    public var gone: Int
    /// The parts of those that live, in an order that is the same for all of them.
    public var parts: [CapacityPart]
    /// Grows with time: whose turn it is to have what cannot be divided.
    public var turn: Int

    /// A division to be made.
    public init(whole: Int, gone: Int, parts: [CapacityPart], turn: Int) {
        self.whole = whole
        self.gone = gone
        self.parts = parts
        self.turn = turn
    }

    private var total: Int { max(0, whole - gone) }

    /// What is beyond anybody's wishes, for each.
    private var headroom: Int { max(1, whole / (4 * max(1, parts.count))) }

    /// What each should have, if all of it could be had at once.
    public var fair: [Int] { divided(keeping: parts.map(\.demand.held)) }

    /// What one of them should have next: what is fair, as far as nobody else has it. Less than it has where there is more
    /// given out than there is room for.
    public func allotment(of index: Int) -> CapacityAllotment {
        let free = total - parts.reduce(0) { $0 + $1.slots }
        var kept = parts.map(\.demand.held)
        // What it holds does not count for it: what is beyond its fair part is others' as it is released.
        kept[index] = 0
        return CapacityAllotment(
            slots: fair[index], fair: divided(keeping: kept)[index]
        ).bounded(by: max(0, parts[index].slots + free))
    }

    private func divided(keeping kept: [Int]) -> [Int] {
        let needed = parts.map(\.demand.needed)
        guard needed.reduce(0, +) < total else { return level(from: kept, to: needed) }
        return level(from: needed, to: parts.map { $0.demand.wished + headroom })
    }

    /// The same for all, but for the bounds of each.
    private func level(from lower: [Int], to upper: [Int]) -> [Int] {
        func sum(_ parts: [Int]) -> Int { parts.reduce(0, +) }
        func filled(to level: Int) -> [Int] { zip(lower, upper).map { min(max(level, $0), $1) } }
        guard sum(lower) < total else { return lower }
        guard sum(upper) > total else { return upper }
        // The highest level for which there is enough.
        var (enough, tooMuch) = (0, (upper.max() ?? 0) + 1)
        while tooMuch - enough > 1 {
            let middle = (enough + tooMuch) / 2
            if sum(filled(to: middle)) <= total { enough = middle } else { tooMuch = middle }
        }
        var parts = filled(to: enough)
        let next = filled(to: enough + 1)
        let wanting = parts.indices.filter { next[$0] > parts[$0] }
        for step in 0..<max(0, total - sum(parts)) where !wanting.isEmpty {
            parts[wanting[(step + turn) % wanting.count]] += 1
        }
        return parts
    }
}

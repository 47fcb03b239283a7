import Quota
import TestSupport
import Testing

/// Who should have how much; ``SharedCapacityHistoryTests`` has gateways act on it.
struct CapacityDivisionTests {
    private func part(_ slots: Int, held: Int = 0, needed: Int = 0, wished: Int = 0) -> CapacityPart {
        CapacityPart(slots: slots, demand: CapacityDemand(held: held, needed: needed, wished: wished))
    }

    private func fair(_ whole: Int, gone: Int = 0, turn: Int = 0, _ parts: CapacityPart...) -> [Int] {
        CapacityDivision(whole: whole, gone: gone, parts: parts, turn: turn).fair
    }

    @Test("Who all need more than there is get as much")
    func contention() {
        #expect(fair(12, part(0, needed: 50), part(0, needed: 9), part(0, needed: 12)) == [4, 4, 4])
        #expect(fair(12, gone: 6, part(0, needed: 50), part(0, needed: 9)) == [3, 3])
        #expect(fair(12, part(0, needed: 50), part(0, needed: 2), part(0, needed: 50)) == [5, 2, 5])
    }

    @Test("What one holds is its own, and taken from the others alike")
    func heldAlready() {
        #expect(fair(12, part(10, held: 10, needed: 20), part(0, needed: 9), part(0, needed: 9)) == [10, 1, 1])
        #expect(fair(5, part(4, held: 4), part(4, held: 4, needed: 9)) == [4, 4], "more than there is")
    }

    @Test("Where all needs are met, wishes are, and then a headroom; the rest is nobody's")
    func plenty() {
        #expect(fair(16, part(0, held: 2, needed: 4, wished: 6), part(0)) == [8, 2])
        #expect(fair(10, part(0, needed: 4, wished: 50), part(0, needed: 4)) == [5, 5])
    }

    @Test("One slot for two goes round")
    func indivisible() {
        #expect(fair(1, turn: 0, part(0, needed: 5), part(0, needed: 5)) == [1, 0])
        #expect(fair(1, turn: 1, part(0, needed: 5), part(0, needed: 5)) == [0, 1])
        #expect(fair(1, turn: 1, part(0, needed: 5), part(0)) == [1, 0], "who wants none has no turn")
    }

    @Test("Nobody's target is what another has")
    func targets() {
        let division = CapacityDivision(
            whole: 10, gone: 1, parts: [part(6, held: 6, needed: 6), part(2, held: 2, needed: 9)], turn: 0)
        #expect(division.fair == [6, 3])
        #expect(division.allotment(of: 1) == CapacityAllotment(slots: 3, fair: 3))
        let tight = CapacityDivision(
            whole: 10, gone: 0, parts: [part(9, held: 1, needed: 1), part(1, held: 1, needed: 9)], turn: 0)
        #expect(tight.allotment(of: 1).slots == 1, "first the other must write less")
        #expect(tight.allotment(of: 0).slots == 1)
    }

    @Test("Who holds more than its part gives out less than it has, as it is released")
    func beyondItsPart() {
        let full = CapacityDivision(
            whole: 12, gone: 0, parts: [part(12, held: 12, needed: 30), part(0, needed: 9), part(0, needed: 9)], turn: 0
        )
        #expect(full.allotment(of: 0) == CapacityAllotment(slots: 12, fair: 4))
        #expect(full.allotment(of: 1) == .nothing)
        let alone = CapacityDivision(whole: 12, gone: 0, parts: [part(12, held: 12, needed: 30)], turn: 0)
        #expect(alone.allotment(of: 0) == CapacityAllotment(slots: 12, fair: 12))
    }

    @Test("All that is needed is given out, and nobody has more than another that needs more", arguments: 0..<200)
    func properties(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let whole = Int.random(in: 1...40, using: &generator), gone = Int.random(in: 0...6, using: &generator)
        let parts = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
            let held = Int.random(in: 0...8, using: &generator)
            let needed = held + Int.random(in: 0...20, using: &generator)
            return part(0, held: held, needed: needed, wished: needed + Int.random(in: 0...9, using: &generator))
        }
        let division = CapacityDivision(
            whole: whole, gone: gone, parts: parts, turn: .random(in: 0...9, using: &generator))
        let (fair, total) = (division.fair, max(0, whole - gone))
        let held = parts.reduce(0) { $0 + $1.demand.held }, needed = parts.reduce(0) { $0 + $1.demand.needed }
        let sum = fair.reduce(0, +)
        #expect(sum <= max(total, held))
        #expect(sum >= min(total, needed))
        for (mine, part) in zip(fair, parts) {
            #expect(mine >= part.demand.held)
            guard mine < part.demand.needed else { continue }
            for (other, rival) in zip(fair, parts) { #expect(other <= max(mine + 1, rival.demand.held)) }
        }
    }
}

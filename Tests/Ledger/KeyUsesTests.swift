import Quota
import TestSupport
import Testing

@testable import Ledger

@Suite(.once) struct KeyUsesTests {
    @Test("Counted apart and added, uses are what they are counted together", arguments: 0..<50)
    func sum(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var (one, other, both) = (KeyUses(), KeyUses(), KeyUses())
        var now = Moment(seconds: 1_800_000_000)
        for _ in 0..<Int.random(in: 0...200, using: &generator) {
            now = now + .seconds(Int.random(in: 0...900, using: &generator))
            if Bool.random(using: &generator) { one.count(at: now) } else { other.count(at: now) }
            both.count(at: now)
        }
        for sum in [one + other, other + one] {
            #expect(sum.lastHour(at: now) == both.lastHour(at: now))
            #expect(sum.today(at: now) == both.today(at: now))
            #expect(sum.lastUsedAt == both.lastUsedAt)
        }
    }
}

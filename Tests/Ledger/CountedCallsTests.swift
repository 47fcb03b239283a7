import Quota
import TestSupport
import Testing

@testable import Ledger

@Suite(.once) struct CountedCallsTests {
    private func call(at seconds: Int64) -> RecordedCall {
        RecordedCall(
            at: Moment(seconds: seconds), demand: Demand(kind: .execution, timeoutMilliseconds: 1), subject: nil,
            heldMilliseconds: nil)
    }

    @Test("They come evenly, the first and the last at the instants that are known")
    func even() {
        var counted = CountedCalls()
        counted.add(call(at: 10), 5, until: Moment(seconds: 18))
        var taken: [Int64] = []
        counted.take(upTo: Moment(seconds: 13)) { taken.append($0.at.seconds) }
        #expect(taken == [10, 12])
        counted.take(upTo: Moment(seconds: 100)) { taken.append($0.at.seconds) }
        #expect(taken == [10, 12, 14, 16, 18])
    }

    @Test("Of a flood a thousand come, and the rest is counted")
    func flood() {
        var counted = CountedCalls()
        counted.add(call(at: 10), 600_000, until: Moment(seconds: 70))
        counted.add(call(at: 10), .max, until: Moment(seconds: 70))
        counted.add(call(at: 10), -5, until: Moment(seconds: 9))
        var taken = 0
        counted.take(upTo: Moment(nanoseconds: .max)) { _ in taken += 1 }
        #expect(taken == 2_001 && counted.leftOut > 599_000)
    }

    @Test("Of many runs all come, in order of time, none before its turn")
    func order() {
        for seed in 0..<30 {
            var generator = SeededGenerator(seed: UInt64(seed))
            var counted = CountedCalls()
            var (added, taken) = (0, [Moment]())
            for step in 0..<40 {
                let now = Moment(seconds: Int64(step) * 10)
                counted.take(upTo: now) { taken.append($0.at) }
                #expect(taken.last ?? now <= now)
                let count = Int64.random(in: 1...20, using: &generator)
                let until = now + .seconds(Int64.random(in: 0...60, using: &generator))
                counted.add(call(at: now.seconds), count, until: until)
                added += Int(count)
            }
            counted.take(upTo: Moment(nanoseconds: .max)) { taken.append($0.at) }
            #expect(taken.count == added && taken == taken.sorted())
        }
    }
}

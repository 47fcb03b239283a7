import Quota
import TestSupport
import Testing

@testable import Ledger

/// What holds of steps however they are added up.
@Suite(.once) struct HistoryStepTests {
    private func steps(_ count: Int, seed: UInt64) -> [HistoryStep] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in HistoryStep.random(using: &generator) }
    }

    private func joined(_ steps: some Sequence<HistoryStep>) -> HistoryStep {
        steps.reduce(into: HistoryStep()) { $0.join($1) }
    }

    private func appended(_ steps: some Sequence<HistoryStep>) -> HistoryStep {
        steps.reduce(into: HistoryStep()) { $0.append($1) }
    }

    @Test("Gateways are added up in any order, and in any groups", arguments: 0..<50 as Range<UInt64>)
    func joining(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let steps = steps(5, seed: seed)
        let whole = joined(steps)
        #expect(joined(steps.shuffled(using: &generator)) == whole)
        #expect(joined([joined(steps[..<2]), joined(steps[2...])]) == whole)
        #expect(whole.counts == steps.counted)
    }

    @Test("Stretches are added up in any groups", arguments: 0..<50 as Range<UInt64>)
    func appending(seed: UInt64) {
        let steps = steps(6, seed: seed)
        let whole = appended(steps)
        #expect(appended([appended(steps[..<4]), appended(steps[4...])]) == whole)
        for (level, gauge) in whole.gauges {
            #expect(gauge.most == steps.compactMap { $0.gauges[level]?.most }.max())
            #expect(gauge.last == steps.compactMap { $0.gauges[level]?.last }.last)
        }
    }

    @Test(
        "An hour has all that its minutes counted, of all gateways, whichever are told first",
        arguments: 0..<20 as Range<UInt64>)
    func minutes(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let start = Moment(seconds: 1_800_000_000)
        let minutes = steps(90, seed: seed).map { step in
            HistoryMinute(
                at: start + .seconds(60 * Int.random(in: 0..<30, using: &generator)),
                epoch: .random(in: 1...3, using: &generator), step: step)
        }
        let sum = HistoryMinute.sum(minutes)
        #expect(sum.counts == minutes.map(\.step).counted)
        #expect(HistoryMinute.sum(minutes.shuffled(using: &generator)) == sum)
    }

    @Test("Side by side levels are added, one after another the last and the largest stay")
    func levels() {
        func step(_ held: Int64...) -> HistoryStep {
            held.reduce(into: HistoryStep()) { $0.note($1, of: .held) }
        }
        let start = Moment(seconds: 1_800_000_000)
        let sum = HistoryMinute.sum([
            HistoryMinute(at: start, epoch: 1, step: step(5, 2)), HistoryMinute(at: start, epoch: 2, step: step(9, 3)),
            // One of them is started again.
            HistoryMinute(at: start + .seconds(60), epoch: 3, step: step(4)),
        ])
        #expect(sum.gauges[.held]?.last == 4)
        #expect(sum.gauges[.held]?.most == 14)
    }

    @Test("A step is the same after it was written and read; a quiet one is short", arguments: 0..<20 as Range<UInt64>)
    func document(seed: UInt64) throws {
        for step in steps(5, seed: seed) {
            #expect(try Document.value(HistoryStep.self, from: Document.text(step)) == step)
        }
        #expect(try Document.text(HistoryStep()) == "{}")
    }

    @Test(
        "A row of buckets that makes no sense cannot be read", arguments: ["[5,5,1]", "[-1,5,1]", "[1,2]", "[1,2,0]"])
    func malformed(row: String) {
        #expect(throws: (any Error).self) {
            try Document.value(HistoryStep.self, from: #"{"latency":[\#(row)]}"#)
        }
    }

    @Test("Counts that would overflow stay at their highest")
    func saturation() {
        var step = HistoryStep()
        step.calls["completed"] = .max
        step.join(step)
        #expect(step.calls["completed"] == .max)
    }
}

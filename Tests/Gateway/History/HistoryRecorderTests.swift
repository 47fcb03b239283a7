import Ledger
import Quota
import TestSupport
import Testing

@testable import Gateway

/// Readings become minutes.
@Suite struct HistoryRecorderTests {
    private static let start = Moment(seconds: 1_800_000_000)

    private func reading(_ calls: Int64, held: Int = 0) -> HistoryReading {
        var reading = HistoryReading()
        reading.counts.calls = ["completed": calls]
        reading.counts.latency.add(calls, to: .init(from: 0, to: 1_000))
        reading.counts.runtimeMilliseconds = calls * 10
        reading.levels = [.held: held]
        return reading
    }

    @Test("A minute has what came in it, its highest level and its last")
    func minutes() {
        var recorder = HistoryRecorder()
        #expect(recorder.look(reading(2, held: 1), at: Self.start + .seconds(3), epoch: 7) == nil)
        #expect(recorder.look(reading(5, held: 9), at: Self.start + .seconds(30), epoch: 7) == nil)
        let first = recorder.look(reading(9, held: 4), at: Self.start + .seconds(60), epoch: 7)
        #expect(first?.at == Self.start && first?.epoch == 7)
        #expect(first?.step.calls == ["completed": 9], "also what came before the first look")
        #expect(first?.step.latency.count == 9 && first?.step.runtimeMilliseconds == 90)
        #expect(first?.step.gauges[.held]?.most == 9 && first?.step.gauges[.held]?.last == 4)

        let second = recorder.look(reading(9, held: 0), at: Self.start + .seconds(121), epoch: 7)
        #expect(second?.at == Self.start + .seconds(60))
        #expect(second?.step.calls == [:] && second?.step.latency.count == 0)
        #expect(second?.step.gauges[.held]?.most == 4)
        let last = recorder.close()
        #expect(last?.at == Self.start + .seconds(120) && last?.step.gauges[.held]?.most == 0)
        #expect(recorder.close() == nil)
    }

    @Test("Who stops holds nothing in the end, so that a restart within the minute is not told twice")
    func restart() throws {
        var recorder = HistoryRecorder()
        _ = recorder.look(reading(2, held: 4), at: Self.start + .seconds(3), epoch: 7)
        let minute = recorder.stop()
        let stopped = try #require(minute)
        #expect(stopped.step.gauges[.held]?.most == 4 && stopped.step.gauges[.held]?.last == 0)
        #expect(recorder.stop() == nil)

        var next = HistoryRecorder()
        _ = next.look(reading(1, held: 5), at: Self.start + .seconds(30), epoch: 8)
        var together = stopped.step
        let after = next.look(reading(1, held: 5), at: Self.start + .seconds(60), epoch: 8)
        together.join(try #require(after).step)
        #expect(together.gauges[.held]?.last == 5 && together.calls == ["completed": 3])
        #expect(together.gauges[.held]?.most == 9, "the two are taken for gateways side by side")
    }

    @Test("However often it is looked, everything is counted once", arguments: 0..<20 as Range<UInt64>)
    func once(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var recorder = HistoryRecorder()
        var (now, calls, epoch): (Moment, Int64, Int64) = (Self.start, 0, 1)
        var minutes: [HistoryMinute] = []
        for _ in 0..<200 {
            // Now and then the machine sleeps, the clock goes back, or others take the gateway for dead.
            let steps = Bool.random(using: &generator) ? -3...9 : 0...200
            now = now + .seconds(Int.random(in: steps, using: &generator))
            calls += .random(in: 0...5, using: &generator)
            if Int.random(in: 0..<20, using: &generator) == 0 { epoch += 1 }
            if let minute = recorder.look(reading(calls), at: now, epoch: epoch) { minutes.append(minute) }
        }
        if let minute = recorder.close() { minutes.append(minute) }
        #expect(minutes.reduce(0) { $0 + ($1.step.calls["completed"] ?? 0) } == calls)
        #expect(
            Set(minutes.map { "\($0.at.seconds) \($0.epoch)" }).count == minutes.count, "none takes another's place")
    }

    @Test("The last minute is told at any moment, as far back as it was looked")
    func lastMinute() {
        var recorder = HistoryRecorder()
        #expect(recorder.lastMinute(reading(3), at: Self.start).calls == ["completed": 3])
        for second in stride(from: 0, through: 120, by: 5) {
            _ = recorder.look(reading(Int64(second)), at: Self.start + .seconds(second), epoch: 1)
        }
        let step = recorder.lastMinute(reading(126, held: 6), at: Self.start + .seconds(123))
        #expect(step.calls == ["completed": 66])
        #expect(step.gauges[.held]?.last == 6)
        #expect(recorder.lastMinute(reading(120), at: Self.start + .seconds(500)).calls == [:])
    }
}

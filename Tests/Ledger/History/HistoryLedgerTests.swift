import Quota
import TestSupport
import Testing

@testable import Ledger

/// What went on, written down, rolled up, told and forgotten.
struct HistoryLedgerTests {
    private static let minute = Duration.seconds(60)
    private static let hour = Duration.seconds(3_600)

    private func step(_ calls: Int64, held: Int64? = nil) -> HistoryStep {
        var step = HistoryStep()
        step.calls = ["completed": calls]
        if let held { step.note(held, of: .held) }
        return step
    }

    private func calls(_ points: [HistoryPoint]) -> Int64 {
        points.reduce(0) { $0 + ($1.step?.calls["completed"] ?? 0) }
    }

    @Test("Every step of a range is told, up to the last minute that is over", arguments: HistoryRange.allCases)
    func ranges(range: HistoryRange) async throws {
        let test = try await TestLedger()
        // 08:30:10, when the minute before is expected to be there.
        test.clock.advance(by: .seconds(1_810))
        let last = test.clock.now.start(of: Self.minute) - Self.minute
        try await test.ledger.writeHistory([
            HistoryMinute(at: last, epoch: 1, step: step(1, held: 3)),
            HistoryMinute(at: last, epoch: 2, step: step(10, held: 4)),
            HistoryMinute(at: last - Self.minute, epoch: 1, step: step(100, held: 9)),
            // Not told yet: not all may have written it.
            HistoryMinute(at: last + Self.minute, epoch: 1, step: step(1_000)),
        ])
        let points = try await test.ledger.history(range)
        #expect(points.count == range.count)
        #expect(zip(points, points.dropFirst()).allSatisfy { $1.at - $0.at == range.step })
        #expect(points.last?.at == last.start(of: range.step))
        #expect(points.last?.isComplete == (range != .month))
        #expect(calls(points) == 111)
        let told = try #require(points.last?.step)
        #expect(told.gauges[.held]?.last == 7)
        #expect(told.gauges[.held]?.most == (range == .hour ? 7 : 9))
        #expect(points.first?.step == nil)
    }

    @Test("A minute that is written again takes its own place")
    func again() async throws {
        let test = try await TestLedger()
        let minute = HistoryMinute(at: test.clock.now, epoch: 1, step: step(5))
        for _ in 0..<2 { try await test.ledger.writeHistory([minute]) }
        test.clock.advance(by: .seconds(75))
        #expect(calls(try await test.ledger.history(.hour)) == 5)
    }

    @Test(
        "No count is lost on the way into hours, also of minutes that came late; what is old goes",
        arguments: 0..<3 as Range<UInt64>)
    func rollingUp(seed: UInt64) async throws {
        let test = try await TestLedger()
        var generator = SeededGenerator(seed: seed)
        var written: [HistoryMinute] = [], late: [HistoryMinute] = []
        // A day and a half, with holes, of gateways that come and go.
        for index in 0..<36 {
            for _ in 0..<4 {
                let at = test.clock.now + Self.minute * Int.random(in: 0..<60, using: &generator)
                let minute = HistoryMinute(
                    at: at, epoch: .random(in: 1...3, using: &generator), step: .random(using: &generator))
                let isTaken = (written + late).contains { ($0.at, $0.epoch) == (minute.at, minute.epoch) }
                if isTaken { continue }
                if index > 0, Bool.random(using: &generator) { late.append(minute) } else { written.append(minute) }
            }
            test.clock.advance(by: Self.hour)
            try await test.ledger.writeHistory(written.filter { $0.at >= test.clock.now - Self.hour })
            if let slow = late.popLast() {
                written.append(slow)
                try await test.ledger.writeHistory([slow])
            }
            try await test.ledger.rollUpHistory()
        }
        try await test.ledger.writeHistory(late)
        written += late
        test.clock.advance(by: .seconds(30))

        let counted = written.map(\.step).counted
        func told() async throws -> HistoryStep {
            try await test.ledger.history(.month).compactMap(\.step).counted
        }
        #expect(try await told() == counted, "with what is not rolled up yet")
        try await test.ledger.rollUpHistory()
        #expect(try await told() == counted, "from hours alone")
        #expect(try await test.check().findings == [])

        // Minutes go, hours stay; then they go as well.
        test.clock.advance(by: .seconds(3 * 86_400))
        func quietHour() async throws {
            let minute = HistoryMinute(at: test.clock.now - Self.hour, epoch: 9, step: HistoryStep())
            try await test.ledger.writeHistory([minute])
            try await test.ledger.rollUpHistory()
        }
        try await quietHour()
        #expect(try await test.rows(of: "history_minute") == 1)
        #expect(try await told() == counted)
        test.clock.advance(by: .seconds(32 * 86_400))
        try await quietHour()
        #expect(try await test.rows(of: "history_hour") == 1)
        await test.ledger.close()
    }

    @Test("An hour of which minutes are gone already is not made anew of those that are left")
    func tooLate() async throws {
        let test = try await TestLedger()
        let start = test.clock.now
        try await test.ledger.writeHistory([HistoryMinute(at: start, epoch: 1, step: step(7))])
        test.clock.advance(by: Self.hour)
        try await test.ledger.rollUpHistory()
        test.clock.advance(by: .seconds(50 * 3_600))
        try await test.ledger.writeHistory([
            HistoryMinute(at: start + Self.minute, epoch: 1, step: step(100)),
            HistoryMinute(at: test.clock.now - Self.hour, epoch: 1, step: step(1)),
        ])
        try await test.ledger.rollUpHistory()
        test.clock.advance(by: .seconds(60))
        #expect(calls(try await test.ledger.history(.month)) == 8)
    }

    @Test("What cannot be read counts as nothing, and the check says so")
    func damaged() async throws {
        let test = try await TestLedger()
        let at = test.clock.now
        try await test.ledger.writeHistory([
            HistoryMinute(at: at, epoch: 1, step: step(5)), HistoryMinute(at: at, epoch: 2, step: step(6)),
        ])
        try test.ledger.tamper("UPDATE history_minute SET document = 'nonsense' WHERE epoch = 2")
        try test.ledger.tamper("INSERT INTO history_hour (at, document) VALUES (7, '{}')")
        test.clock.advance(by: .seconds(75))
        #expect(calls(try await test.ledger.history(.hour)) == 5)
        let findings = try await test.check().findings
        #expect(
            findings.map(\.row) == ["history_minute/\(at.nanoseconds)", "history_hour/7"]
                && findings.map(\.problem) == ["cannot be read", "does not begin a step"])
    }
}

extension TestLedger {
    /// How many rows a table has.
    func rows(of table: String) async throws -> Int64 {
        try await ledger.read { try $0.value(Int64.self, "SELECT count(*) FROM \(table)") ?? 0 }
    }
}

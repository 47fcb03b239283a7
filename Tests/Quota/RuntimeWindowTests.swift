import Foundation
import Quota
import TestSupport
import Testing

struct RuntimeWindowTests {
    @Test("Windows agree with Foundation's UTC calendar over four centuries", arguments: RuntimeWindow.allCases)
    func foundation(window: RuntimeWindow) throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        let component: Calendar.Component =
            switch window {
            case .hour: .hour
            case .day: .day
            case .month: .month
            }
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<1_000 {
            let seconds = Int64.random(in: -7_000_000_000...9_000_000_000, using: &generator)
            let date = Date(timeIntervalSince1970: TimeInterval(seconds))
            let interval = try #require(calendar.dateInterval(of: component, for: date))
            let bounds = window.bounds(containing: Moment(seconds: seconds))
            #expect(bounds.lowerBound.seconds == Int64(interval.start.timeIntervalSince1970))
            #expect(bounds.upperBound.seconds == Int64(interval.end.timeIntervalSince1970))
        }
    }

    @Test(
        "February, leap years and year ends",
        arguments: [
            // 2024-02-29T12:00:00Z, 2023-02-28, 2100-02-28, 2000-02-29, 2026-12-31
            (1_709_208_000, 29), (1_677_542_400, 28), (4_107_456_000, 28), (951_782_400, 29), (1_798_675_200, 31),
            // 2100-03-01, 1900-03-01, 2000-03-01
            (4_107_542_400, 31), (-2_203_891_200, 31), (951_868_800, 31),
        ])
    func months(seconds: Int64, days: Int64) {
        let bounds = RuntimeWindow.month.bounds(containing: Moment(seconds: seconds))
        #expect(bounds.upperBound.seconds - bounds.lowerBound.seconds == days * 86_400)
        #expect(bounds.contains(Moment(seconds: seconds)))
    }

    @Test("A window's last nanosecond is in it, its end in the next", arguments: RuntimeWindow.allCases)
    func edges(window: RuntimeWindow) {
        let bounds = window.bounds(containing: Moment(seconds: 1_800_000_000))
        #expect(window.bounds(containing: bounds.lowerBound) == bounds)
        #expect(window.bounds(containing: bounds.upperBound - .nanoseconds(1)) == bounds)
        #expect(window.bounds(containing: bounds.upperBound).lowerBound == bounds.upperBound)
    }
}

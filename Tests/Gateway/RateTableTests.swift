import Quota
import Testing

@testable import Gateway

@Suite struct RateTableTests {
    private let clock = ManualClock()
    private let table: RateTable

    init() {
        table = RateTable(Rate(permits: 60, periodSeconds: 60, burst: 60), now: clock.reading)
    }

    private func isRefused(_ name: String) -> Bool {
        do {
            try table.take(name)
            return false
        } catch {
            return true
        }
    }

    @Test func whatIsRememberedIsBounded() {
        for number in 0..<(RateTable.maximumNames * 3) {
            _ = isRefused("\(number)")
            if table.count > RateTable.maximumNames { Issue.record("\(table.count) names after \(number)") }
        }
    }

    @Test func whoHasBeenQuietIsForgottenBeforeWhoIsStillBusy() {
        for number in 1..<RateTable.maximumNames { _ = isRefused("\(number)") }
        clock.advance(by: .seconds(2))
        for _ in 0..<61 { _ = isRefused("busy") }
        _ = isRefused("one more")
        #expect(table.count == 2)
        #expect(isRefused("busy"))
    }
}

import Ledger
import Quota
import Testing

@testable import Gateway

@Suite struct ConsumptionFilterTests {
    /// 2026-11-24T15:00:00Z.
    private static let now = Moment(seconds: 1_795_532_400)

    private static func days(from: String? = nil, to: String? = nil) throws -> [String] {
        let days = try ConsumptionFilter(from: from, to: to).query(at: now).days
        return [Timestamp.dayText(days.lowerBound), Timestamp.dayText(days.upperBound)]
    }

    @Test func theMonthSoFarUnlessToldOtherwise() throws {
        #expect(try Self.days() == ["2026-11-01", "2026-11-24"])
        #expect(try Self.days(to: "2026-02-28") == ["2026-02-01", "2026-02-28"])
        #expect(try Self.days(from: "2025-12-31") == ["2025-12-31", "2026-11-24"])
        #expect(try Self.days(from: "2026-11-24", to: "2026-11-24") == ["2026-11-24", "2026-11-24"])
    }

    @Test(
        arguments: [
            ("2026-11-25", nil), ("2026-11-02", "2026-11-01"), ("2026-02-30", nil), ("26-11-01", nil),
            ("2026-11-1", nil),
            ("today", nil), ("2026-11-01T00:00:00Z", nil), ("", nil),
        ] as [(String, String?)])
    func daysThatCannotBeAreRefused(from: String, to: String?) {
        #expect(throws: Problem.self) { try Self.days(from: from, to: to) }
    }

    @Test(arguments: [("daily", "yes"), ("limit", "many"), ("limit", "0"), ("limit", "10001"), ("by", "day")])
    func otherValuesAreRefused(name: String, value: String) {
        #expect(throws: Problem.self) {
            try ConsumptionFilter(query: [(key: Substring(name), value: Substring(value))]).query()
        }
    }

    @Test func subjectsAreThoseOfOneTenant() throws {
        #expect(throws: Problem.self) { try ConsumptionFilter(by: "subject").query(at: Self.now) }
        #expect(try ConsumptionFilter(tenant: "acme", by: "subject").query(at: Self.now).grouping == .subject)
    }

    @Test func oneRowMoreIsAskedForThanShown() throws {
        #expect(try ConsumptionFilter(limit: 5).query(at: Self.now).limit == 6)
    }

    @Test(arguments: [
        ("2026-12-01T00:00:00Z", 1_796_083_200_000), ("2026-12-01T01:30:00+01:30", 1_796_083_200_000),
        ("2026-12-01T00:00:00.250Z", 1_796_083_200_250), ("2026-12-01t00:00:00z", 1_796_083_200_000),
    ])
    func instantsAreRead(text: String, milliseconds: Int64) {
        #expect(Timestamp.moment(text)?.milliseconds == milliseconds)
    }

    @Test(arguments: ["2026-12-01", "2026-12-01T00:00:00", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "soon"])
    func whatIsNoInstantIsNot(text: String) {
        #expect(Timestamp.moment(text) == nil)
    }
}

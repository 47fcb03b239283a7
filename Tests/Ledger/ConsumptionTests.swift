import Quota
import Testing

@testable import Ledger

/// Sums by day, key and subject.
struct ConsumptionTests {
    private func run(_ test: TestLedger, _ subject: String?, held: Int64) async throws {
        let lease = try await test.ledger.admit(test.order(timeout: 10_000, subject: subject))
        _ = try await test.ledger.settle(lease, with: .completed(held: held))
    }

    @Test("They are grouped as asked, by the day of admission, the highest first")
    func grouped() async throws {
        let test = try await TestLedger()
        let first = test.clock.now
        try await run(test, "a", held: 1_000)
        try await run(test, nil, held: 5_000)
        test.clock.advance(by: .seconds(86_400))
        let second = test.clock.now
        try await run(test, "a", held: 12_000)

        func rows(_ grouping: ConsumptionGrouping, _ days: ClosedRange<Moment>, daily: Bool = false) async throws
            -> [ConsumptionRow]
        {
            try await test.ledger.consumption(
                ConsumptionQuery(tenant: TestLedger.tenant, grouping: grouping, isDaily: daily, days: days))
        }
        let both = try await rows(.subject, first...second)
        #expect(both.map(\.name) == ["a", ""])
        #expect(both.map(\.consumption.chargedMilliseconds) == [11_000, 5_000])
        #expect(both.map(\.consumption.overrunMilliseconds) == [2_000, 0])
        #expect(both.map(\.consumption.executions) == [2, 1])
        #expect(try await rows(.subject, second...second).map(\.name) == ["a"])
        let keys = try await rows(.key, first...second)
        #expect(keys.map(\.name) == ["\(test.key.key.id)"] && keys[0].consumption.outputBytes == 6)
        let days = try await rows(.tenant, first...second, daily: true)
        #expect(days.map(\.consumption.chargedMilliseconds) == [6_000, 10_000])
        #expect(days.map(\.day) == [first, second].map { RuntimeWindow.day.bounds(containing: $0).lowerBound })
        #expect(days.allSatisfy { $0.name == nil })
    }

    @Test("A tenant that does not exist is told, one that used nothing has none")
    func nobody() async throws {
        let test = try await TestLedger()
        let days = test.clock.now...test.clock.now
        #expect(try await test.ledger.consumption(ConsumptionQuery(days: days)).isEmpty)
        await #expect(throws: LedgerFailure.noSuchTenant("nobody")) {
            try await test.ledger.consumption(ConsumptionQuery(tenant: "nobody", days: days))
        }
    }
}

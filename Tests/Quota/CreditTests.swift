import Testing

@testable import Quota

@Suite struct CreditTests {
    private static let start = Moment(seconds: 1_795_532_400)
    private static let policy: Policy = {
        var policy = Policy.standard
        policy.runtime = [.day: 0]
        return policy
    }()

    private static func usage(credit milliseconds: Int64) -> Usage {
        var usage = Usage()
        usage.add(RuntimeCredit(id: "a", milliseconds: milliseconds, expiresAt: start + .seconds(3600)), at: start)
        return usage
    }

    private static func demand(_ milliseconds: Int64) -> Demand {
        Demand(kind: .execution, timeoutMilliseconds: milliseconds)
    }

    @Test func aWithdrawnCreditGivesNothingMoreAlsoNotWhatLeasesGiveBack() throws {
        var usage = Self.usage(credit: 100_000)
        let grant = try usage.admit(Self.demand(30_000), under: Self.policy, at: Self.start)
        let before = usage.withdrawCredit("a", at: Self.start)
        #expect(before?.remainingMilliseconds(at: Self.start) == 70_000)
        #expect(throws: Denial.self) { try usage.admit(Self.demand(1), under: Self.policy, at: Self.start) }
        let settlement = usage.settle(grant, usedMilliseconds: 1_000)
        #expect(settlement.creditMilliseconds == 1_000)
        #expect(throws: Denial.self) { try usage.admit(Self.demand(1), under: Self.policy, at: Self.start) }
        usage.roll(to: Self.start)
        #expect(usage.credits.isEmpty)
    }

    @Test func oneOfWhichNothingIsReservedIsGoneAtOnce() {
        var usage = Self.usage(credit: 100_000)
        let before = usage.withdrawCredit("a", at: Self.start)
        #expect(before != nil)
        usage.roll(to: Self.start)
        #expect(usage.credits.isEmpty)
        let again = usage.withdrawCredit("a", at: Self.start)
        #expect(again == nil)
    }
}

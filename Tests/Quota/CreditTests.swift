import Foundation
import Quota
import TestSupport
import Testing

/// Runtime given once, beyond the windows.
struct CreditTests {
    private let start = Moment(seconds: 1_800_000_000)

    private var policy: Policy {
        var policy = Policy.standard
        policy.runtime = [.hour: 10_000]
        policy.timeoutMilliseconds = 3_600_000
        return policy
    }

    private func execution(_ milliseconds: Int64) -> Demand {
        Demand(kind: .execution, timeoutMilliseconds: milliseconds)
    }

    private func credit(_ id: String, _ milliseconds: Int64, endsIn seconds: Int64) -> RuntimeCredit {
        RuntimeCredit(id: id, milliseconds: milliseconds, expiresAt: start + .seconds(seconds))
    }

    @Test("Windows are used up first, then the credit that ends first; what is left comes back from the end")
    func order() throws {
        var usage = Usage()
        usage.add(credit("later", 5_000, endsIn: 200), at: start)
        usage.add(credit("sooner", 2_000, endsIn: 100), at: start)
        let grant = try usage.admit(execution(15_000), under: policy, at: start)
        #expect(grant.timeoutMilliseconds == 15_000 && !grant.wasLowered)
        #expect(grant.credits.map(\.credit) == ["sooner", "later"])
        #expect(grant.credits.map(\.milliseconds) == [2_000, 3_000])
        #expect(usage.remaining(under: policy, at: start).map(\.remainingMilliseconds) == [0])

        let settlement = usage.settle(grant, usedMilliseconds: 11_500)
        #expect(settlement.chargedMilliseconds == 11_500 && settlement.creditMilliseconds == 1_500)
        #expect(usage.remaining(under: policy, at: start).map(\.usedMilliseconds) == [10_000])
        #expect(usage.credits.map(\.usedMilliseconds) == [1_500, 0])
        #expect(usage.credits.allSatisfy { $0.reservedMilliseconds == 0 })
    }

    @Test("Nothing in windows and credits is a denial; a lease gets what both have together")
    func together() throws {
        var usage = Usage()
        usage.add(credit("one", 1_000, endsIn: 100), at: start)
        let grant = try usage.admit(execution(60_000), under: policy, at: start)
        #expect(grant.timeoutMilliseconds == 11_000 && grant.wasLowered)
        #expect(throws: Denial.self) { try usage.admit(execution(1), under: policy, at: start) }
    }

    @Test("It is there until its last millisecond, and not a moment longer")
    func end() throws {
        var exhausted = policy
        exhausted.runtime = [.month: 0]
        var usage = Usage()
        usage.add(credit("one", 1_000, endsIn: 100), at: start)
        let end = start + .seconds(100)
        #expect(throws: Denial.self) { try usage.judge(execution(1), under: exhausted, at: end) }
        var late = usage
        let last = try late.admit(execution(1), under: exhausted, at: end - .nanoseconds(1))
        #expect(last.creditMilliseconds == 1)
        late.roll(to: end)
        #expect(late.credits.count == 1, "what is reserved keeps it")
        usage.roll(to: end)
        #expect(usage.credits.isEmpty)
        let isTaken = usage.add(credit("late", 1, endsIn: 100), at: end)
        #expect(!isTaken)
    }

    @Test("What is taken back is what nobody has reserved")
    func withdrawn() throws {
        var usage = Usage()
        usage.add(credit("one", 5_000, endsIn: 100), at: start)
        let grant = try usage.admit(execution(11_000), under: policy, at: start)
        let (before, none) = (usage.withdrawCredit("one", at: start), usage.withdrawCredit("two", at: start))
        #expect(before?.milliseconds == 5_000 && none == nil)
        #expect(throws: Denial.self) { try usage.admit(execution(1), under: policy, at: start) }
        let settlement = usage.settle(grant, usedMilliseconds: 11_000)
        #expect(settlement.creditMilliseconds == 1_000)
        #expect(usage.credits.map(\.milliseconds) == [1_000])
    }

    @Test("Never overspent, nothing reserved at the end", arguments: 0..<30)
    func history(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var usage = Usage()
        var open: [Grant] = []
        var now = start
        var given: Int64 = 0, charged: Int64 = 0
        for step in 0..<300 {
            now = now + .milliseconds(Int64.random(in: 0...20_000, using: &generator))
            switch Int.random(in: 0..<10, using: &generator) {
            case 0:
                let milliseconds = Int64.random(in: 1...20_000, using: &generator)
                usage.add(
                    RuntimeCredit(id: "\(step)", milliseconds: milliseconds, expiresAt: now + .seconds(60)), at: now)
                given += milliseconds
            case 1..<5 where !open.isEmpty:
                let grant = open.remove(at: Int.random(in: open.indices, using: &generator))
                let settlement = usage.settle(grant, usedMilliseconds: .random(in: 0...40_000, using: &generator))
                #expect(settlement.creditMilliseconds <= grant.creditMilliseconds)
                charged += settlement.creditMilliseconds
            default:
                let demand = execution(.random(in: 1...30_000, using: &generator))
                if let grant = try? usage.admit(demand, under: policy, at: now) { open.append(grant) }
            }
            for credit in usage.credits {
                #expect(credit.usedMilliseconds + credit.reservedMilliseconds <= credit.milliseconds)
                let reserved = open.flatMap(\.credits).filter { $0.credit == credit.id }
                #expect(credit.reservedMilliseconds == reserved.reduce(0) { $0 + $1.milliseconds })
            }
            #expect(usage.windows.filter { $0.window == .hour }.allSatisfy { $0.committedMilliseconds <= 10_000 })
        }
        for grant in open {
            charged += usage.settle(grant, usedMilliseconds: grant.timeoutMilliseconds).creditMilliseconds
        }
        #expect(charged <= given)
        #expect(usage.credits.allSatisfy { $0.reservedMilliseconds == 0 })
        let copy = try JSONDecoder().decode(Usage.self, from: JSONEncoder().encode(usage))
        #expect(copy == usage)
    }
}

import Foundation
import Quota
import TestSupport
import Testing

/// Random histories of one tenant, held against what must be true at every step.
struct UsagePropertyTests {
    private func randomPolicy(_ generator: inout SeededGenerator) -> Policy {
        var policy = Policy.standard
        policy.executions = .random(in: 1...6, using: &generator)
        policy.sandboxes = .random(in: 1...3, using: &generator)
        policy.timeoutMilliseconds = .random(in: 1...60_000, using: &generator)
        policy.runtime = [:]
        for window in RuntimeWindow.allCases where Bool.random(using: &generator) {
            policy.runtime[window] = .random(in: 1...120_000, using: &generator)
        }
        return policy
    }

    private func randomDemand(_ generator: inout SeededGenerator) -> Demand {
        let isExecution = Int.random(in: 0..<4, using: &generator) > 0
        let longest: Int64 = isExecution ? 60_000 : 4 * 3_600_000
        return Demand(
            kind: isExecution ? .execution : .sandbox, timeoutMilliseconds: .random(in: 1...longest, using: &generator))
    }

    @Test("Never above a limit, never a reservation lost, nothing reserved at the end", arguments: 0..<40)
    func history(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let policy = randomPolicy(&generator)
        var usage = Usage()
        var open: [Grant] = []
        var charged: Int64 = 0
        // Near the end of a year, so that hours, days and months turn within the history.
        var now = Moment(seconds: 1_798_761_600 - 3 * 3_600)

        for _ in 0..<400 {
            now = now + .milliseconds(Int64.random(in: 0...90_000, using: &generator))
            if !open.isEmpty, Bool.random(using: &generator) {
                let grant = open.remove(at: Int.random(in: open.indices, using: &generator))
                let used = Int64.random(in: -10...(grant.timeoutMilliseconds * 2), using: &generator)
                let settlement = usage.settle(grant, usedMilliseconds: used)
                #expect(settlement.chargedMilliseconds <= grant.timeoutMilliseconds)
                #expect(settlement.chargedMilliseconds + settlement.overrunMilliseconds == max(0, used))
                charged += settlement.chargedMilliseconds
            } else {
                let demand = randomDemand(&generator)
                let before = usage
                do throws(Denial) {
                    let grant = try usage.admit(demand, under: policy, at: now)
                    check(grant, for: demand)
                    open.append(grant)
                } catch {
                    #expect(usage == before, "a refusal changed something")
                }
            }
            check(usage, under: policy, open: open)
        }

        for grant in open { _ = usage.settle(grant, usedMilliseconds: 0) }
        #expect(usage.executions == 0 && usage.sandboxes == 0)
        #expect(usage.windows.allSatisfy { $0.reservedMilliseconds == 0 })
        usage.roll(to: now + .seconds(63 * 86_400))
        #expect(usage.windows.isEmpty)
    }

    private func check(_ grant: Grant, for demand: Demand) {
        #expect((1...demand.timeoutMilliseconds).contains(grant.timeoutMilliseconds))
        #expect(grant.wasLowered == (grant.timeoutMilliseconds < demand.timeoutMilliseconds))
        for window in RuntimeWindow.allCases {
            let parts = grant.reservations.filter { $0.window == window }
            #expect(parts.reduce(0) { $0 + $1.milliseconds } == grant.timeoutMilliseconds)
            #expect(parts.map(\.startsAt) == parts.map(\.startsAt).sorted())
        }
    }

    private func check(_ usage: Usage, under policy: Policy, open: [Grant]) {
        #expect(usage.executions == open.filter { $0.kind == .execution }.count)
        #expect(usage.sandboxes == open.filter { $0.kind == .sandbox }.count)
        #expect(usage.executions <= policy.executions && usage.sandboxes <= policy.sandboxes)
        for window in usage.windows {
            if let limit = policy.runtime[window.window] { #expect(window.committedMilliseconds <= limit) }
            let reserved = open.flatMap(\.reservations)
                .filter { $0.window == window.window && $0.startsAt == window.startsAt }
                .reduce(0) { $0 + $1.milliseconds }
            #expect(window.reservedMilliseconds == reserved)
        }
    }

    @Test("A lowered lease could not have been one millisecond longer", arguments: 0..<40)
    func loweredAsLittleAsPossible(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var policy = randomPolicy(&generator)
        policy.executions = 100
        policy.timeoutMilliseconds = 86_400_000
        var usage = Usage()
        let now = Moment(seconds: 1_798_761_600 - 20)
        for _ in 0..<20 {
            let demand = Demand(kind: .execution, timeoutMilliseconds: .random(in: 1...60_000, using: &generator))
            let before = usage
            guard let grant = try? usage.admit(demand, under: policy, at: now) else { break }
            guard grant.wasLowered else { continue }
            var unlimited = policy
            unlimited.shadow = true
            var longer = before
            _ = try longer.admit(
                Demand(kind: .execution, timeoutMilliseconds: grant.timeoutMilliseconds + 1), under: unlimited, at: now)
            let isOver = longer.windows.contains { window in
                policy.runtime[window.window].map { window.committedMilliseconds > $0 } ?? false
            }
            #expect(isOver)
        }
    }

    @Test("Usage survives its JSON at any point")
    func json() throws {
        var usage = Usage()
        let now = Moment(seconds: 1_800_000_000)
        let grant = try usage.admit(Demand(kind: .execution, timeoutMilliseconds: 5), under: .standard, at: now)
        let usageCopy = try JSONDecoder().decode(Usage.self, from: JSONEncoder().encode(usage))
        let grantCopy = try JSONDecoder().decode(Grant.self, from: JSONEncoder().encode(grant))
        #expect(usageCopy == usage)
        #expect(grantCopy == grant)
    }
}

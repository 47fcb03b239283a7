import Quota
import TestSupport
import Testing

struct ThresholdTests {
    private struct Window: Hashable {
        let kind: RuntimeWindow
        let start: Moment
    }

    private func limited(_ runtime: [RuntimeWindow: Int64]) -> Policy {
        var policy = Policy.standard
        policy.executions = 100
        policy.runtime = runtime
        return policy
    }

    /// Uses so much at once, and says which thresholds that passed.
    private func use(_ milliseconds: Int64, _ usage: inout Usage, _ policy: Policy, at now: Moment) throws -> [Int] {
        let grant = try usage.admit(
            Demand(kind: .execution, timeoutMilliseconds: milliseconds), under: policy, at: now)
        _ = usage.settle(grant, usedMilliseconds: milliseconds)
        return usage.passThresholds(under: policy, at: now).map(\.percent)
    }

    /// Under limits that stay, whatever is admitted, settled and when: what a window has been told of is what is used of
    /// it, each threshold once, in rising order, and never one that was not reached.
    @Test("Each threshold of a window is told once, when it is reached", arguments: 0..<60)
    func once(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let policy = limited([
            .hour: .random(in: 1...200_000, using: &generator), .day: .random(in: 1...400_000, using: &generator),
            .month: .random(in: 1...600_000, using: &generator),
        ])
        var usage = Usage()
        var open: [Grant] = []
        var told: [Window: [Int]] = [:]
        // Three hours before the end of a year, so that every kind of window turns within the history.
        var now = Moment(seconds: 1_798_761_600 - 3 * 3_600)

        for _ in 0..<500 {
            now = now + .milliseconds(Int64.random(in: 0...60_000, using: &generator))
            if !open.isEmpty, Bool.random(using: &generator) {
                let grant = open.remove(at: Int.random(in: open.indices, using: &generator))
                _ = usage.settle(grant, usedMilliseconds: .random(in: 0...grant.timeoutMilliseconds, using: &generator))
            } else if let grant = try? usage.admit(
                Demand(kind: .execution, timeoutMilliseconds: .random(in: 1...30_000, using: &generator)),
                under: policy, at: now)
            {
                open.append(grant)
            }
            usage.roll(to: now)
            for threshold in usage.passThresholds(under: policy, at: now) {
                let used = threshold.runtime.usedMilliseconds, limit = threshold.runtime.limitMilliseconds
                #expect(used * 100 >= limit * Int64(threshold.percent), "told before it was reached")
                #expect(limit == policy.runtime[threshold.runtime.window])
                #expect(threshold.startsAt <= now && now < threshold.runtime.resetsAt)
                told[Window(kind: threshold.runtime.window, start: threshold.startsAt), default: []]
                    .append(threshold.percent)
            }
            for runtime in usage.remaining(under: policy, at: now) {
                let start = runtime.window.bounds(containing: now).lowerBound
                let percents = told[Window(kind: runtime.window, start: start)] ?? []
                #expect([[], [80], [100], [80, 100]].contains(percents), "told twice, or out of order")
                let reached = runtime.usedMilliseconds * 100 / runtime.limitMilliseconds
                let highest = reached >= 100 ? 100 : reached >= 80 ? 80 : 0
                #expect(percents.last ?? 0 == highest, "reached and not told")
            }
        }
        #expect(!told.isEmpty, "the history never came near a limit")
    }

    @Test("To the millisecond, and of two at once the higher")
    func boundaries() throws {
        let policy = limited([.day: 1_000])
        let now = Moment(seconds: 1_800_000_000)
        var usage = Usage()
        #expect(try use(799, &usage, policy, at: now) == [])
        #expect(try use(1, &usage, policy, at: now) == [80])
        #expect(try use(199, &usage, policy, at: now) == [])
        #expect(try use(1, &usage, policy, at: now) == [100])
        #expect(usage.passThresholds(under: policy, at: now) == [])

        var jumped = Usage()
        #expect(try use(1_000, &jumped, policy, at: now) == [100])
        #expect(jumped.passThresholds(under: policy, at: now) == [])
    }

    @Test("A limit that is raised and reached again is told again; so is one that is lowered below what is used")
    func changed() throws {
        let now = Moment(seconds: 1_800_000_000)
        var usage = Usage()
        #expect(try use(1_000, &usage, limited([.day: 1_000]), at: now) == [100])
        let raised = limited([.day: 2_000])
        #expect(usage.passThresholds(under: raised, at: now) == [])
        #expect(try use(600, &usage, raised, at: now) == [80])
        #expect(try use(400, &usage, raised, at: now) == [100])
        // Raised a little, so that 80 % stay passed: only 100 is news again.
        let slightly = limited([.day: 2_100])
        #expect(usage.passThresholds(under: slightly, at: now) == [])
        #expect(try use(100, &usage, slightly, at: now) == [100])
        #expect(usage.passThresholds(under: limited([.day: 5_000]), at: now) == [])
        #expect(usage.passThresholds(under: limited([.day: 2_500]), at: now).map(\.percent) == [80])
        #expect(usage.passThresholds(under: limited([.day: 1]), at: now).map(\.percent) == [100])
        #expect(usage.passThresholds(under: limited([:]), at: now) == [])
    }

    @Test("The next window begins anew, and a limit of nothing is never told")
    func nextWindow() throws {
        let policy = limited([.hour: 1_000])
        var now = Moment(seconds: 1_800_000_000)
        var usage = Usage()
        #expect(try use(1_000, &usage, policy, at: now) == [100])
        now = now + .seconds(3_600)
        usage.roll(to: now)
        #expect(usage.passThresholds(under: policy, at: now) == [])
        #expect(try use(800, &usage, policy, at: now) == [80])
        #expect(usage.passThresholds(under: limited([.hour: 0]), at: now) == [])
    }
}

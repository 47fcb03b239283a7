import Quota
import Testing

struct AdmissionTests {
    /// 2027-01-15T08:00:00Z: on an hour.
    private let start = Moment(seconds: 1_800_000_000)

    private func policy(runtime: [RuntimeWindow: Int64], executions: Int = 5) -> Policy {
        var policy = Policy.standard
        policy.runtime = runtime
        policy.executions = executions
        return policy
    }

    private func execution(_ milliseconds: Int64) -> Demand {
        Demand(kind: .execution, timeoutMilliseconds: milliseconds)
    }

    private func window(_ usage: Usage, _ window: RuntimeWindow, at moment: Moment) -> WindowUsage? {
        let start = window.bounds(containing: moment).lowerBound
        return usage.windows.first { $0.window == window && $0.startsAt == start }
    }

    @Test("The ceiling is reserved, what was used is charged, the rest comes back")
    func reserveAndSettle() throws {
        var usage = Usage()
        let grant = try usage.admit(execution(10_000), under: .standard, at: start)
        #expect(grant.timeoutMilliseconds == 10_000 && !grant.wasLowered)
        #expect(usage.executions == 1)
        #expect(window(usage, .day, at: start)?.reservedMilliseconds == 10_000)
        let settlement = usage.settle(grant, usedMilliseconds: 4_000)
        #expect(settlement.chargedMilliseconds == 4_000 && settlement.overrunMilliseconds == 0)
        for kind in RuntimeWindow.allCases {
            #expect(window(usage, kind, at: start)?.usedMilliseconds == 4_000)
            #expect(window(usage, kind, at: start)?.reservedMilliseconds == 0)
        }
        #expect(usage.executions == 0)
    }

    @Test("What runs over the ceiling is reported, not charged; less than nothing is nothing")
    func overrun() throws {
        var usage = Usage()
        let first = try usage.admit(execution(1_000), under: .standard, at: start)
        let over = usage.settle(first, usedMilliseconds: 1_700)
        #expect(over.chargedMilliseconds == 1_000 && over.overrunMilliseconds == 700)
        let second = try usage.admit(execution(1_000), under: .standard, at: start)
        let under = usage.settle(second, usedMilliseconds: -5)
        #expect(under.chargedMilliseconds == 0 && under.overrunMilliseconds == 0)
        #expect(window(usage, .day, at: start)?.usedMilliseconds == 1_000)
    }

    @Test("Executions and sandboxes are counted apart, each to its limit")
    func concurrency() throws {
        var policy = policy(runtime: [:], executions: 2)
        policy.sandboxes = 1
        var usage = Usage()
        let sandbox = Demand(kind: .sandbox, timeoutMilliseconds: 1_000)
        _ = try usage.admit(execution(1), under: policy, at: start)
        let second = try usage.admit(execution(1), under: policy, at: start)
        let held = try usage.admit(sandbox, under: policy, at: start)
        let full = usage
        #expect(throws: Denial.executions(limit: 2, running: 2)) {
            try usage.admit(execution(1), under: policy, at: start)
        }
        #expect(throws: Denial.sandboxes(limit: 1, live: 1)) { try usage.admit(sandbox, under: policy, at: start) }
        #expect(usage == full)
        _ = usage.settle(second, usedMilliseconds: 0)
        _ = usage.settle(held, usedMilliseconds: 0)
        _ = try usage.admit(execution(1), under: policy, at: start)
        _ = try usage.admit(sandbox, under: policy, at: start)
    }

    @Test("An execution is held to the policy's timeout, a sandbox is not")
    func timeout() throws {
        var usage = Usage()
        let policy = policy(runtime: [:])
        let execution = try usage.admit(execution(60_000), under: policy, at: start)
        #expect(execution.timeoutMilliseconds == 30_000 && execution.wasLowered)
        let sandbox = try usage.admit(Demand(kind: .sandbox, timeoutMilliseconds: 60_000), under: policy, at: start)
        #expect(sandbox.timeoutMilliseconds == 60_000 && !sandbox.wasLowered)
    }

    @Test("When less is left, the timeout is lowered to it; when nothing is left, refused")
    func lowering() throws {
        let policy = policy(runtime: [.hour: 10_000, .day: 15_000])
        var usage = Usage()
        let first = try usage.admit(execution(9_999), under: policy, at: start)
        let second = try usage.admit(execution(5_000), under: policy, at: start)
        #expect(second.timeoutMilliseconds == 1 && second.wasLowered)
        #expect(
            throws: Denial.runtime(
                RuntimeExhaustion(
                    window: .hour, limitMilliseconds: 10_000, usedMilliseconds: 0, reservedMilliseconds: 10_000,
                    resetsAt: start + .seconds(3_600), retryAfter: .seconds(3_600)
                ))
        ) { try usage.admit(execution(1), under: policy, at: start) }
        _ = usage.settle(first, usedMilliseconds: 9_999)
        _ = usage.settle(second, usedMilliseconds: 0)
        let later = start + .seconds(3_600)
        let third = try usage.admit(execution(30_000), under: policy, at: later)
        #expect(third.timeoutMilliseconds == 5_001)
    }

    @Test("Of several windows with nothing left, the refusal names the one that lasts longest")
    func lastWindow() throws {
        let policy = policy(runtime: [.hour: 0, .month: 0, .day: 0])
        let monthEnd = RuntimeWindow.month.bounds(containing: start).upperBound
        var usage = Usage()
        let exhaustion = RuntimeExhaustion(
            window: .month, limitMilliseconds: 0, usedMilliseconds: 0, reservedMilliseconds: 0, resetsAt: monthEnd,
            retryAfter: monthEnd - start
        )
        #expect(throws: Denial.runtime(exhaustion)) { try usage.admit(execution(1), under: policy, at: start) }
        #expect(usage == Usage())
    }

    @Test("A lease reserves in each hour only what falls into it, and gives back from the end")
    func overlap() throws {
        let policy = policy(runtime: [.hour: 20_000])
        let now = start + .seconds(3_590)
        let next = start + .seconds(3_600)
        var usage = Usage()
        let grant = try usage.admit(execution(25_000), under: policy, at: now)
        #expect(window(usage, .hour, at: now)?.reservedMilliseconds == 10_000)
        #expect(window(usage, .hour, at: next)?.reservedMilliseconds == 15_000)
        #expect(window(usage, .day, at: now)?.reservedMilliseconds == 25_000)
        _ = usage.settle(grant, usedMilliseconds: 12_000)
        #expect(window(usage, .hour, at: now)?.usedMilliseconds == 10_000)
        #expect(window(usage, .hour, at: next)?.usedMilliseconds == 2_000)
        #expect(usage.windows.allSatisfy { $0.reservedMilliseconds == 0 })
    }

    @Test("The coming window is judged too: a lease ends where it is full")
    func comingWindow() throws {
        let policy = policy(runtime: [.hour: 20_000])
        let now = start + .seconds(3_590)
        var usage = Usage()
        _ = try usage.admit(execution(30_000), under: policy, at: now)
        let second = try usage.admit(execution(30_000), under: policy, at: now)
        #expect(second.timeoutMilliseconds == 10_000 && second.wasLowered)
    }

    @Test("A sandbox of 24 hours works under an hourly limit")
    func longSandbox() throws {
        let day: Int64 = 86_400_000
        var usage = Usage()
        let policy = policy(runtime: [.hour: 3_600_000])
        let grant = try usage.admit(
            Demand(kind: .sandbox, timeoutMilliseconds: day), under: policy, at: start + .seconds(1_800))
        #expect(grant.timeoutMilliseconds == day && !grant.wasLowered)
        #expect(grant.reservations.filter { $0.window == .hour }.count == 25)
        _ = usage.settle(grant, usedMilliseconds: day)
        usage.roll(to: start + .seconds(1_800) + .milliseconds(day))
        #expect(window(usage, .hour, at: start + .milliseconds(day))?.usedMilliseconds == 1_800_000)
    }

    @Test("A shadow policy neither refuses nor lowers, and counts all the same")
    func shadow() throws {
        var policy = policy(runtime: [.hour: 0], executions: 0)
        policy.timeoutMilliseconds = 1
        policy.shadow = true
        var usage = Usage()
        let grant = try usage.admit(execution(60_000), under: policy, at: start)
        #expect(grant.timeoutMilliseconds == 60_000 && !grant.wasLowered)
        #expect(usage.executions == 1)
        #expect(usage.remaining(under: policy, at: start).first?.remainingMilliseconds == 0)
        #expect(throws: Denial.self) { try usage.judge(execution(1), under: policy, at: start) }
    }

    @Test("Windows that are over are dropped once nothing is reserved in them")
    func rolling() throws {
        var usage = Usage()
        let grant = try usage.admit(execution(1_000), under: .standard, at: start)
        let muchLater = start + .seconds(40 * 86_400)
        usage.roll(to: muchLater)
        #expect(usage.windows.count == 3)
        _ = usage.settle(grant, usedMilliseconds: 500)
        usage.roll(to: muchLater)
        #expect(usage.windows.isEmpty)
    }

    @Test("A limit set later knows what was used before it")
    func limitSetLater() throws {
        var usage = Usage()
        let grant = try usage.admit(execution(1_000), under: policy(runtime: [:]), at: start)
        _ = usage.settle(grant, usedMilliseconds: 1_000)
        let limited = policy(runtime: [.month: 1_500])
        #expect(usage.remaining(under: limited, at: start).first?.remainingMilliseconds == 500)
    }

    @Test("Timeouts out of range are moved to the nearer end")
    func demandRange() {
        #expect(execution(0).timeoutMilliseconds == 1)
        #expect(execution(.min).timeoutMilliseconds == 1)
        #expect(execution(.max).timeoutMilliseconds == 86_400_000)
    }
}

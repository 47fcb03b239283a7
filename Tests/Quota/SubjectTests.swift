import Quota
import TestSupport
import Testing

/// What is charged to a tenant and to one of its subjects together.
struct SubjectTests {
    private let start = Moment(seconds: 1_800_000_000)

    private func execution(_ milliseconds: Int64) -> Demand {
        Demand(kind: .execution, timeoutMilliseconds: milliseconds)
    }

    private func policy(_ subject: SubjectLimits) -> Policy {
        var policy = Policy.standard
        policy.subject = subject
        return policy
    }

    @Test("A subject at its limit is refused by name, and its tenant is charged nothing")
    func refused() throws {
        let policy = policy(SubjectLimits(executions: 1, runtime: [.hour: 10_000]))
        var usages = UsagePair()
        let first = try usages.admit(execution(4_000), under: policy, at: start)
        let before = usages
        let running = Denial.subject(.executions(limit: 1, running: 1))
        #expect(throws: running) { try usages.admit(execution(1), under: policy, at: start) }
        #expect(usages == before)
        #expect(running.limitName == "subject_executions")

        _ = usages.settle(first, usedMilliseconds: 4_000)
        let second = try usages.admit(execution(30_000), under: policy, at: start)
        #expect(second.timeoutMilliseconds == 6_000 && second.wasLowered)
        _ = usages.settle(second, usedMilliseconds: 6_000)
        let exhausted = RuntimeExhaustion(
            window: .hour, limitMilliseconds: 10_000, usedMilliseconds: 10_000, reservedMilliseconds: 0,
            resetsAt: start + .seconds(3_600), retryAfter: .seconds(3_600)
        )
        #expect(throws: Denial.subject(.runtime(exhausted))) {
            try usages.admit(execution(1), under: policy, at: start)
        }
    }

    @Test("Another subject of the same tenant is served, until the tenant itself is at its limit")
    func apart() throws {
        var policy = policy(SubjectLimits(executions: 1))
        policy.executions = 2
        var first = UsagePair()
        _ = try first.admit(execution(1_000), under: policy, at: start)
        var second = UsagePair(tenant: first.tenant)
        _ = try second.admit(execution(1_000), under: policy, at: start)
        var third = UsagePair(tenant: second.tenant)
        #expect(throws: Denial.executions(limit: 2, running: 2)) {
            try third.admit(execution(1_000), under: policy, at: start)
        }
    }

    @Test("A shadow policy refuses and lowers nothing of either, and says what it would have done")
    func shadow() throws {
        var policy = policy(SubjectLimits(executions: 0))
        policy.executions = 5
        policy.shadow = true
        var usages = UsagePair()
        #expect(throws: Denial.subject(.executions(limit: 0, running: 0))) {
            try usages.judge(execution(1_000), under: policy, at: start)
        }
        let grant = try usages.admit(execution(1_000), under: policy, at: start)
        #expect(grant.timeoutMilliseconds == 1_000 && !grant.wasLowered)
        #expect(usages.subject.executions == 1)
    }

    @Test("Rates of both are judged before either is charged")
    func rates() throws {
        var policy = policy(SubjectLimits(rate: Rate(permits: 1, periodSeconds: 1, burst: 1)))
        policy.rate = Rate(permits: 1, periodSeconds: 1, burst: 3)
        var rates = RatePair()
        try rates.take(under: policy, at: start)
        for _ in 0..<5 {
            #expect(
                throws: Denial.subject(
                    .rate(limit: Rate(permits: 1, periodSeconds: 1, burst: 1), retryAfter: .seconds(1)))
            ) {
                try rates.take(under: policy, at: start)
            }
        }
        #expect(rates.standings(under: policy, at: start).tenant.remaining == 2)
        #expect(rates.standings(under: policy, at: start).subject?.remaining == 0)

        var other = RatePair(tenant: rates.tenant)
        try other.take(under: policy, at: start)
        #expect(other.standings(under: policy, at: start).tenant.remaining == 1)
    }

    @Test("The sum of the subjects is the tenant, and none is above its share", arguments: 0..<20)
    func sums(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var policy = policy(
            SubjectLimits(executions: 2, runtime: [.hour: .random(in: 1...60_000, using: &generator)]))
        policy.executions = 5
        policy.runtime = [.day: .random(in: 1...300_000, using: &generator)]
        var tenant = Usage()
        var subjects = [Usage](repeating: Usage(), count: 4)
        var open: [(Grant, Int)] = []
        var now = Moment(seconds: 1_798_761_600 - 3_600)
        for _ in 0..<300 {
            now = now + .milliseconds(Int64.random(in: 0...60_000, using: &generator))
            if !open.isEmpty, Bool.random(using: &generator) {
                let (grant, index) = open.remove(at: Int.random(in: open.indices, using: &generator))
                var pair = UsagePair(tenant: tenant, subject: subjects[index])
                _ = pair.settle(grant, usedMilliseconds: .random(in: 0...40_000, using: &generator))
                (tenant, subjects[index]) = (pair.tenant, pair.subject)
            } else {
                let index = Int.random(in: subjects.indices, using: &generator)
                var pair = UsagePair(tenant: tenant, subject: subjects[index])
                let demand = execution(.random(in: 1...30_000, using: &generator))
                guard let grant = try? pair.admit(demand, under: policy, at: now) else { continue }
                (tenant, subjects[index]) = (pair.tenant, pair.subject)
                open.append((grant, index))
            }
            #expect(tenant.executions == subjects.reduce(0) { $0 + $1.executions })
            for window in tenant.windows where window.endsAt > now {
                let parts = subjects.flatMap(\.windows).filter {
                    $0.window == window.window && $0.startsAt == window.startsAt
                }
                #expect(parts.reduce(0) { $0 + $1.committedMilliseconds } == window.committedMilliseconds)
                guard window.window == .hour else { continue }
                #expect(parts.allSatisfy { $0.committedMilliseconds <= policy.subject?.runtime[.hour] ?? 0 })
            }
        }
    }
}

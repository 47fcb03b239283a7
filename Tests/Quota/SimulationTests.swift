import Quota
import TestSupport
import Testing

struct SimulationTests {
    private let start = Moment(seconds: 1_800_000_000)

    private func call(at seconds: Int64, timeout: Int64 = 30_000, held: Int64?, subject: String? = nil) -> RecordedCall
    {
        RecordedCall(
            at: start + .seconds(seconds), demand: Demand(kind: .execution, timeoutMilliseconds: timeout),
            subject: subject, heldMilliseconds: held
        )
    }

    private func replay(_ calls: [RecordedCall], under policy: Policy) -> Simulation.Result {
        var simulation = Simulation(of: policy)
        for call in calls { simulation.replay(call, assumedMilliseconds: 1_000) }
        simulation.settle(upTo: start + .seconds(1_000_000))
        return simulation.result
    }

    @Test("Each limit refuses what it would have refused")
    func limits() {
        let calls = (0..<10).map { call(at: $0, held: 5_000) }
        var policy = Policy.standard
        policy.runtime = [:]
        var result = replay(calls, under: policy)
        #expect(result.calls == 10 && result.refusals == 0 && result.chargedMilliseconds == 50_000)
        #expect(result.mostAtOnce == 5, "one ends at the second at which another begins")

        policy.executions = 3
        result = replay(calls, under: policy)
        #expect(result.refused == ["executions": 4])
        #expect(result.firstRefusalAt == start + .seconds(3))

        policy.executions = 5
        policy.rate = Rate(permits: 1, periodSeconds: 2, burst: 1)
        #expect(replay(calls, under: policy).refused == ["rate": 5])

        policy.rate = Policy.standard.rate
        policy.runtime = [.hour: 12_000]
        result = replay(calls, under: policy)
        #expect(result.chargedMilliseconds <= 12_000)
        #expect(result.refused["runtime_hour"] ?? 0 > 0 && result.lowered > 0)

        policy.runtime = [:]
        policy.subject = SubjectLimits(executions: 1)
        #expect(replay(calls, under: policy).refused == ["subject_executions": 8])
    }

    @Test("A shadow policy is tried as if it were in force, and a shorter timeout cuts off")
    func shadowAndCut() {
        var policy = Policy.standard
        policy.shadow = true
        policy.executions = 0
        #expect(replay([call(at: 0, held: 1)], under: policy).refused == ["executions": 1])
        policy.executions = 1
        policy.timeoutMilliseconds = 2_000
        let result = replay([call(at: 0, held: 5_000), call(at: 2, held: nil)], under: policy)
        #expect(result.refusals == 0 && result.lowered == 2 && result.cutOff == 1)
        #expect(result.chargedMilliseconds == 3_000)
    }

    @Test("Under the limits that were in force, what was admitted is admitted again", arguments: 0..<20)
    func consistent(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var policy = Policy.standard
        policy.rate = Rate(permits: 1, periodSeconds: 5, burst: 3)
        policy.executions = 3
        policy.runtime = [.hour: 100_000, .day: 400_000]
        policy.subject = SubjectLimits(executions: 2, runtime: [.hour: 60_000])
        // The past, by the pure model itself: every call in order, settled at its end.
        var tenant = Usage()
        var subjects: [String: Usage] = [:]
        var rate = RatePair()
        var running: [(end: Moment, grant: Grant, subject: String, held: Int64)] = []
        var calls: [RecordedCall] = []
        var now = start
        for _ in 0..<400 {
            now = now + .milliseconds(Int64.random(in: 0...8_000, using: &generator))
            for lease in running.filter({ $0.end <= now }).sorted(by: { $0.end < $1.end }) {
                var pair = UsagePair(tenant: tenant, subject: subjects[lease.subject] ?? Usage())
                _ = pair.settle(lease.grant, usedMilliseconds: lease.held)
                (tenant, subjects[lease.subject]) = (pair.tenant, pair.subject)
            }
            running.removeAll { $0.end <= now }
            let subject = ["", "a", "b"][Int.random(in: 0..<3, using: &generator)]
            let demand = Demand(kind: .execution, timeoutMilliseconds: .random(in: 1...30_000, using: &generator))
            var pair = UsagePair(tenant: tenant, subject: subjects[subject] ?? Usage())
            guard (try? rate.take(under: policy, at: now)) != nil,
                let grant = try? pair.admit(demand, under: policy, at: now)
            else { continue }
            (tenant, subjects[subject]) = (pair.tenant, pair.subject)
            let held = Int64.random(in: 0...grant.timeoutMilliseconds, using: &generator)
            running.append((now + .milliseconds(held), grant, subject, held))
            calls.append(RecordedCall(at: now, demand: demand, subject: subject, heldMilliseconds: held))
        }
        let result = replay(calls, under: policy)
        #expect(result.calls == calls.count && result.refusals == 0 && result.cutOff == 0)
        #expect(result.chargedMilliseconds == calls.reduce(0) { $0 + ($1.heldMilliseconds ?? 0) })
    }
}

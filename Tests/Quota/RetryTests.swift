import Quota
import TestSupport
import Testing

/// A refusal tells exactly when a call is possible again.
struct RetryTests {
    @Test(
        "Refused a millisecond before, admitted at it, also when leases reach into the windows to come",
        arguments: 0..<60)
    func runtime(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var policy = Policy.standard
        policy.executions = 10_000
        policy.timeoutMilliseconds = Demand.longestTimeoutMilliseconds
        policy.runtime = [.hour: .random(in: 1...3_600_000, using: &generator)]
        if Bool.random(using: &generator) { policy.runtime[.day] = .random(in: 1...20_000_000, using: &generator) }
        var usage = Usage()
        var now = Moment(seconds: 1_798_761_600 - 50_000)
        var denials = 0
        for _ in 0..<200 {
            now = now + .milliseconds(Int64.random(in: 0...400_000, using: &generator))
            let demand = Demand(kind: .execution, timeoutMilliseconds: .random(in: 1...40_000_000, using: &generator))
            do throws(Denial) {
                let grant = try usage.admit(demand, under: policy, at: now)
                // Some windows of the future are left full, some are not.
                if Bool.random(using: &generator) { _ = usage.settle(grant, usedMilliseconds: 1) }
            } catch {
                guard case .runtime(let exhaustion) = error else { continue }
                denials += 1
                let due = now + exhaustion.retryAfter
                #expect(throws: Denial.self) { try usage.judge(demand, under: policy, at: due - .milliseconds(1)) }
                #expect(try usage.judge(demand, under: policy, at: due) >= 1)
            }
        }
        #expect(denials > 0)
    }
}

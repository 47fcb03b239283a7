import Auth
import Ledger
import Quota

/// Callers of one tenant that have executions admitted and settled, one after the other each.
struct Callers: Sendable {
    let ledger: Ledger
    let tenant: String
    let key: KeyID
    /// On behalf of how many subjects, in turn; 0 for none.
    var subjects = 0
    /// Whether each call is taken off the rate first, as authentication does.
    var takesRate = false

    /// What they measured.
    struct Result: Sendable {
        var admissions = Figures()
        var whole = Figures()
        var took = Duration.zero

        var perSecond: Int { Int(Double(whole.count) / (took / .seconds(1))) }
    }

    /// A tenant whose limits are judged and never reached, with a key.
    init(ledger: Ledger, tenant: String, subjects: Int) async throws {
        var policy = Policy.standard
        policy.executions = 100_000
        policy.rate = Rate(permits: 1_000_000, periodSeconds: 1, burst: 1_000_000)
        policy.runtime = [.hour: 1_000_000_000_000, .day: 1_000_000_000_000, .month: 1_000_000_000_000]
        if subjects > 0 { policy.subject = SubjectLimits(executions: 1_000, runtime: [.day: 1_000_000_000_000]) }
        try await ledger.createTenant(tenant, policy: policy, by: "bench")
        self.ledger = ledger
        self.tenant = tenant
        key = try await ledger.issueKey(for: tenant, by: "bench").key.id
        self.subjects = subjects
    }

    /// Of a tenant that is there.
    init(ledger: Ledger, tenant: String, key: KeyID, takesRate: Bool) {
        self.ledger = ledger
        self.tenant = tenant
        self.key = key
        self.takesRate = takesRate
    }

    /// Calls until `seconds` are over.
    func call(atOnce count: Int, seconds: Int) async throws -> Result {
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        var result = try await withThrowingTaskGroup(of: Result.self) { group in
            for caller in 0..<count { group.addTask { try await call(until: end, from: caller) } }
            return try await group.reduce(into: Result()) { all, one in
                all.admissions.add(one.admissions)
                all.whole.add(one.whole)
            }
        }
        result.took = start.duration(to: .now)
        return result
    }

    func call(until end: ContinuousClock.Instant, from first: Int) async throws -> Result {
        var result = Result()
        var number = first
        while ContinuousClock.now < end {
            let begun = ContinuousClock.now
            if takesRate { try await ledger.takeRate(of: tenant) }
            let lease = try await ledger.admit(order(number))
            result.admissions.add(begun.duration(to: .now))
            _ = try await ledger.settle(
                lease, with: ExecutionResult(outcome: .completed, heldMilliseconds: 120, outputBytes: 40))
            result.whole.add(begun.duration(to: .now))
            // A step that is prime to the number of subjects takes each of them in turn.
            number += 617
        }
        return result
    }

    private func order(_ number: Int) -> AdmissionOrder {
        AdmissionOrder(
            executionID: .random(), tenant: tenant, keyID: key,
            subject: subjects > 0 ? "user-\(number % subjects)" : nil, requestID: "0123456789abcdef",
            sourceAddress: "192.0.2.1", timeoutMilliseconds: 30_000, code: Self.code
        )
    }

    private static let code = [UInt8](repeating: UInt8(ascii: "#"), count: 1_024)
}

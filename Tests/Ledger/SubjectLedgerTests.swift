import Quota
import Testing

@testable import Ledger

/// Shares of subjects on disk, in memory, and over restarts.
struct SubjectLedgerTests {
    private static let rate = Rate(permits: 1, periodSeconds: 3_600, burst: 2)

    private var policy: Policy {
        var policy = Policy.unlimited
        policy.subject = SubjectLimits(rate: Self.rate, executions: 1, runtime: [.day: 5_000])
        return policy
    }

    private func subjectUsage(_ ledger: Ledger, _ subject: String?) async throws -> Usage? {
        try await ledger.usageReport(of: TestLedger.tenant, subject: subject).subject?.usage
    }

    @Test("One subject's share is no other's, and the refusal is audited by its name")
    func apart() async throws {
        let test = try await TestLedger(policy: policy)
        let lease = try await test.ledger.admit(test.order(subject: "a"))
        let running = Denial.subject(.executions(limit: 1, running: 1))
        await #expect(throws: AdmissionFailure.denied(running)) {
            try await test.ledger.admit(test.order(subject: "a"))
        }
        #expect(try await test.audit(.executionRefused).map(\.entry.reason) == ["subject_executions"])
        _ = try await test.ledger.admit(test.order(subject: "b"))
        _ = try await test.ledger.admit(test.order(subject: nil))
        await #expect(throws: AdmissionFailure.denied(running)) {
            try await test.ledger.admit(test.order(subject: nil))
        }

        _ = try await test.ledger.settle(lease, with: .completed(held: 1_000))
        let lowered = try await test.ledger.admit(test.order(timeout: 60_000, subject: "a"))
        #expect(lowered.timeoutMilliseconds == 4_000 && lowered.wasLowered)
    }

    @Test("A restart forgets neither runtime nor rate of a subject")
    func survivesRestart() async throws {
        let test = try await TestLedger(policy: policy)
        for _ in 0..<2 { try await test.ledger.takeRate(of: TestLedger.tenant, subject: "a") }
        let lease = try await test.ledger.admit(test.order(timeout: 4_000, subject: "a"))
        _ = try await test.ledger.settle(lease, with: .completed(held: 4_000))
        let before = try await subjectUsage(test.ledger, "a")
        let ledger = try await test.reopened()
        #expect(try await subjectUsage(ledger, "a") == before)
        #expect(before?.windows.first { $0.window == .day }?.usedMilliseconds == 4_000)
        await #expect(throws: RateFailure.denied(.subject(.rate(limit: Self.rate, retryAfter: .seconds(3_600))))) {
            try await ledger.takeRate(of: TestLedger.tenant, subject: "a")
        }
        try await ledger.takeRate(of: TestLedger.tenant, subject: "b")
        #expect(try await ledger.admit(test.order(timeout: 4_000, subject: "a")).timeoutMilliseconds == 1_000)
    }

    @Test("What a dead process left is charged to the subject as well")
    func recovered() async throws {
        let test = try await TestLedger(policy: policy)
        _ = try await test.ledger.admit(test.order(timeout: 3_000, subject: "a"))
        let ledger = try await test.reopened()
        _ = try await ledger.recover()
        let usage = try #require(try await subjectUsage(ledger, "a"))
        #expect(usage.executions == 0 && usage.isIdle)
        #expect(usage.windows.first { $0.window == .day }?.usedMilliseconds == 3_000)
    }

    @Test("A refused call costs neither its tenant nor its subject any rate")
    func rate() async throws {
        var policy = policy
        policy.rate = Rate(permits: 1, periodSeconds: 1, burst: 5)
        let test = try await TestLedger(policy: policy)
        for _ in 0..<2 { try await test.ledger.takeRate(of: TestLedger.tenant, subject: "a") }
        for _ in 0..<9 {
            await #expect(throws: RateFailure.self) {
                try await test.ledger.takeRate(of: TestLedger.tenant, subject: "a")
            }
        }
        let standings = try await test.ledger.takeRate(of: TestLedger.tenant, subject: "b")
        #expect(standings.tenant.remaining == 2 && standings.subject?.remaining == 1)
    }

    @Test("What is taken off a subject's rate while rates are written is not given back")
    func whileWritten() async throws {
        var policy = policy
        policy.rate = Rate(permits: 1, periodSeconds: 3_600, burst: 10_000)
        policy.subject?.rate = Rate(permits: 1, periodSeconds: 3_600, burst: 300)
        let test = try await TestLedger(policy: policy)
        let passed = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var passed = 0
                    for _ in 0..<150 {
                        if (try? await test.ledger.takeRate(of: TestLedger.tenant, subject: "a")) != nil { passed += 1 }
                        await Task.yield()
                    }
                    return passed
                }
            }
            group.addTask {
                for _ in 0..<100 { await test.ledger.writeLateThings() }
                return 0
            }
            return await group.reduce(0, +)
        }
        #expect(passed == 300)
    }

    @Test("Two spellings that Unicode calls equal are two subjects, in memory, on disk and in every sum")
    func spellings() async throws {
        let test = try await TestLedger(policy: policy)
        let composed = "\u{e9}", decomposed = "e\u{301}"
        let first = try await test.ledger.admit(test.order(subject: composed))
        let second = try await test.ledger.admit(test.order(subject: decomposed))
        _ = try await test.ledger.settle(first, with: .completed(held: 100))
        _ = try await test.ledger.settle(second, with: .completed(held: 300))
        let check = try await test.check()
        #expect(check.isSound, "\(check.findings)")
        let ledger = try await test.reopened()
        for (subject, used) in [(composed, 100), (decomposed, 300)] {
            let usage = try #require(try await subjectUsage(ledger, subject))
            #expect(usage.executions == 0)
            #expect(usage.windows.first { $0.window == .day }?.usedMilliseconds == Int64(used))
        }
    }

    @Test("However many subjects there are, memory keeps its bounds and the disk knows all")
    func bounded() {
        var cache = SubjectCache()
        let now = Moment(seconds: 1_800_000_000)
        for number in 0..<(SubjectCache.maximumSubjects + 10) {
            let subject = SubjectID(of: "acme", "\(number)")
            cache.set(Usage(), of: subject)
            cache.set(RateState(nextFree: now + .seconds(number % 2)), of: subject, at: now)
        }
        #expect(cache.usageCount <= SubjectCache.maximumSubjects)
        #expect(cache.rates.count <= SubjectCache.maximumSubjects)
        #expect(cache.rate(of: SubjectID(of: "acme", "1")) != nil, "a rate that is not at rest is kept")
    }
}

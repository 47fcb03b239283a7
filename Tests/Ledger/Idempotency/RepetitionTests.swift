import Auth
import Quota
import Testing

@testable import Ledger

/// What a second order under the same idempotency key gets, whatever became of the first.
struct RepetitionTests {
    @Test("Of a running execution it is told which one; of one that is over, its record and its reply")
    func states() async throws {
        let test = try await TestLedger()
        let lease = try await test.lease(under: "k")
        #expect(lease.isKeyed)
        #expect(try await test.order(under: "k") == .repeated(.running(lease.executionID)))

        let settled = try await test.ledger.settle(lease, with: .completed(held: 7), leaving: .reply([1, 2, 3]))
        let record = try #require(
            try await test.ledger.execution(lease.executionID.text, of: TestLedger.tenant))
        #expect(record.runtimeMilliseconds == settled.chargedMilliseconds)
        for _ in 0..<3 {
            #expect(try await test.order(under: "k") == .repeated(.finished(record, .kept([1, 2, 3]))))
        }
    }

    @Test("A repeated order costs and records nothing, also when the limits would refuse it by now")
    func costs() async throws {
        var policy = Policy.unlimited
        policy.executions = 1
        policy.runtime = [.day: 1_000]
        let test = try await TestLedger(policy: policy)
        let lease = try await test.lease(under: "k")
        let (usage, records) = (try await test.usage(), try await test.audit().count)
        #expect(try await test.order(under: "k") == .repeated(.running(lease.executionID)))
        _ = try? await test.order(under: "k", code: "print(2)")
        #expect(try await test.usage() == usage)
        #expect(try await test.audit().count == records)
        await #expect(throws: AdmissionFailure.self) { try await test.order(under: "another") }

        _ = try await test.ledger.settle(lease, with: .completed(held: 1_000), leaving: .reply([]))
        #expect(try await test.reply(under: "k") == .kept([]))
    }

    /// What makes it another request.
    static let changes: [@Sendable (TestLedger) async throws -> Admission] = [
        { try await $0.order(under: "k", rest: "r", code: "print(2)", context: "c") },
        { try await $0.order(under: "k", rest: "r", context: "d") },
        { try await $0.order(under: "k", rest: "r") },
        { try await $0.order(under: "k", rest: "s", context: "c") },
        { try await $0.order(under: "k", rest: "", context: "c") },
    ]

    @Test("Another request under the same key is told so, and nothing else", arguments: changes.indices)
    func mismatch(_ index: Int) async throws {
        let test = try await TestLedger()
        guard case .admitted(let lease) = try await test.order(under: "k", rest: "r", context: "c") else {
            Issue.record("the first is admitted")
            return
        }
        #expect(try await Self.changes[index](test) == .repeated(.mismatch))
        _ = try await test.ledger.settle(lease, with: .completed(held: 1), leaving: .reply([1]))
        #expect(try await Self.changes[index](test) == .repeated(.mismatch))
    }

    @Test("What a policy or a caveat made of the time does not make it another request")
    func grantedTime() async throws {
        let test = try await TestLedger()
        _ = try await test.lease(under: "k")
        guard case .repeated(.running) = try await test.order(under: "k", timeout: 500) else {
            Issue.record("the same request")
            return
        }
    }

    @Test("A key is its tenant's and its subject's own")
    func scope() async throws {
        let test = try await TestLedger()
        try await test.ledger.createTenant("umbrella", policy: .unlimited, by: "test")
        let other = try await test.ledger.issueKey(for: "umbrella", by: "test")
        _ = try await test.lease(under: "k", subject: "user-42")
        for subject in ["user-43", nil] { _ = try await test.lease(under: "k", subject: subject) }
        var order = test.order()
        (order.tenant, order.keyID) = ("umbrella", other.key.id)
        guard case .admitted = try await test.ledger.admit(order, under: PresentedIdempotencyKey("k", rest: [])) else {
            Issue.record("another tenant's")
            return
        }
        // Neither can be guessed from the file, nor does the text stand in it.
        let keys = try await test.ledger.read { try $0.values(String.self, "SELECT key FROM execution_key") }
        #expect(Set(keys).count == 4 && keys.allSatisfy { $0.utf8.count == 64 })
    }

    @Test("Another key of the same tenant and subject repeats the request as well as the first")
    func rotatedKey() async throws {
        let test = try await TestLedger()
        let lease = try await test.lease(under: "k")
        let successor = try await test.ledger.issueKey(for: TestLedger.tenant, by: "test")
        var order = test.order()
        order.keyID = successor.key.id
        #expect(
            try await test.ledger.admit(order, under: PresentedIdempotencyKey("k", rest: []))
                == .repeated(.running(lease.executionID)))
    }

    @Test("An order that is refused leaves its key free; so does one of which nothing was run")
    func freed() async throws {
        var policy = Policy.unlimited
        policy.executions = 1
        let test = try await TestLedger(policy: policy)
        let running = try await test.lease(under: "first")
        await #expect(throws: AdmissionFailure.self) { try await test.order(under: "k") }
        _ = try await test.ledger.settle(running, with: .completed(held: 1), leaving: .reply([]))

        let failed = try await test.lease(under: "k")
        let nothing = ExecutionResult(
            outcome: .killed, reason: "upstream_unreachable", heldMilliseconds: 0, outputBytes: 0)
        _ = try await test.ledger.settle(failed, with: nothing, leaving: .nothing)
        let again = try await test.lease(under: "k")
        #expect(again.executionID != failed.executionID)
        #expect(try await test.check().findings == [])
    }

    @Test("Who is not let in is not told what a key was used for")
    func shutOut() async throws {
        let test = try await TestLedger()
        _ = try await test.lease(under: "k")
        try await test.ledger.suspendTenant(TestLedger.tenant, by: "test")
        await #expect(throws: AdmissionFailure.tenantSuspended(nil)) { try await test.order(under: "k") }
    }

    @Test("Of many equal orders at once, in one commit or several, one runs", arguments: 0..<4)
    func atOnce(_ round: Int) async throws {
        let test = try await TestLedger()
        let admissions = try await withThrowingTaskGroup(of: Admission.self) { group in
            for number in 0..<200 { group.addTask { try await test.order(under: "k-\(number % 10)") } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        var leases: Set<ExecutionID> = [], named: Set<ExecutionID> = []
        for admission in admissions {
            switch admission {
            case .admitted(let lease): leases.insert(lease.executionID)
            case .repeated(.running(let id)): named.insert(id)
            case .repeated: Issue.record("\(admission)")
            }
        }
        #expect(leases.count == 10 && named == leases)
        #expect(try await test.usage().executions == 10)
        #expect(try await test.audit(.executionAdmitted).count == 10)
    }

    @Test("A signed request's nonce is used up by a repetition as by any call")
    func nonce() async throws {
        let test = try await TestLedger()
        _ = try await test.lease(under: "k")
        var order = test.order()
        order.nonce = PresentedNonce("n-1", until: test.clock.now + .seconds(60))
        let key = PresentedIdempotencyKey("k", rest: [])
        guard case .repeated(.running) = try await test.ledger.admit(order, under: key) else {
            Issue.record("a repetition")
            return
        }
        await #expect(throws: AdmissionFailure.replayed) { try await test.ledger.admit(order, under: key) }
    }
}

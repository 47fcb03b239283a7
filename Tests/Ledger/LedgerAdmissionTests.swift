import Auth
import Glibc
import Quota
import TestSupport
import Testing

@testable import Ledger

struct LedgerAdmissionTests {
    @Test("An admission reserves, and is on disk with its audit record when the caller proceeds")
    func admit() async throws {
        let test = try await TestLedger()
        let id = ExecutionID.random()
        let lease = try await test.ledger.admit(test.order(timeout: 5_000, id: id, context: "[1,2]"))
        #expect(lease.executionID == id && lease.timeoutMilliseconds == 5_000 && !lease.wasLowered)
        #expect(try await test.usage().executions == 1)

        // Read by another connection: only what is committed shows.
        let leases = try await test.ledger.read { try $0.values(String.self, "SELECT execution FROM lease") }
        #expect(leases == [id.text])

        let record = try #require(try await test.audit(.executionAdmitted).last)
        #expect(record.entry.execution == id.text && record.entry.tenant == TestLedger.tenant)
        #expect(record.entry.subject == "user-42" && record.entry.requestID == "req-1")
        #expect(record.entry.keyID == "\(test.key.key.id)" && record.entry.sourceAddress == "127.0.0.1")
        #expect(record.entry.codeBytes == 8 && record.entry.contextBytes == 5)
        #expect(record.entry.timeoutAsked == 5_000 && record.entry.timeoutGranted == 5_000)
        #expect(record.entry.codeDigest?.utf8.count == 64)
    }

    @Test("The same code has the same digest, other code another, and no digest anyone could compute")
    func digests() async throws {
        let test = try await TestLedger()
        for code in ["a", "a", "b"] { _ = try await test.ledger.admit(test.order(code: code)) }
        let digests = try await test.audit(.executionAdmitted).compactMap(\.entry.codeDigest)
        #expect(digests.count == 3 && digests[0] == digests[1] && digests[1] != digests[2])
        #expect(digests[0] != Hex.text(Digest.sha256(Array("a".utf8))))
    }

    @Test("A denial is told, audited, and changes nothing")
    func denied() async throws {
        var policy = Policy.unlimited
        policy.runtime = [.day: 1_000]
        let test = try await TestLedger(policy: policy)
        _ = try await test.ledger.admit(test.order(timeout: 1_000))
        let before = try await test.usage()
        let midnight = RuntimeWindow.day.bounds(containing: test.clock.now).upperBound
        let denial = Denial.runtime(
            RuntimeExhaustion(
                window: .day, limitMilliseconds: 1_000, usedMilliseconds: 0, reservedMilliseconds: 1_000,
                resetsAt: midnight, retryAfter: midnight - test.clock.now
            )
        )
        let refused = test.order(timeout: 1)
        await #expect(throws: AdmissionFailure.denied(denial)) { try await test.ledger.admit(refused) }
        #expect(try await test.usage() == before)
        let record = try #require(try await test.audit(.executionRefused).last)
        #expect(record.entry.reason == "runtime_day" && record.entry.execution == refused.executionID.text)
        #expect(try await test.ledger.execution(refused.executionID.text, of: TestLedger.tenant) == nil)
    }

    @Test("A lowered timeout is said")
    func lowered() async throws {
        var policy = Policy.unlimited
        policy.runtime = [.hour: 1_500]
        let test = try await TestLedger(policy: policy)
        _ = try await test.ledger.admit(test.order(timeout: 1_000))
        let lease = try await test.ledger.admit(test.order(timeout: 1_000))
        #expect(lease.timeoutMilliseconds == 500 && lease.wasLowered)
    }

    @Test("A shadow policy lets through and writes down what it would have done")
    func shadow() async throws {
        var policy = Policy.unlimited
        policy.executions = 1
        policy.timeoutMilliseconds = 2_000
        policy.shadow = true
        let test = try await TestLedger(policy: policy)
        for timeout in [1_000, 3_000] as [Int64] {
            let lease = try await test.ledger.admit(test.order(timeout: timeout))
            #expect(lease.timeoutMilliseconds == timeout)
        }
        #expect(try await test.audit(.executionAdmitted).map(\.entry.reason) == [nil, "shadow_executions"])
    }

    @Test("An execution id serves once; the second caller is refused and the first keeps what it has")
    func duplicate() async throws {
        let test = try await TestLedger()
        let order = test.order()
        let lease = try await test.ledger.admit(order)
        let records = try await test.audit().count
        await #expect(throws: AdmissionFailure.self) { try await test.ledger.admit(order) }
        #expect(try await test.usage().executions == 1)
        #expect(try await test.audit().count == records)
        #expect(try await test.ledger.verifyAudit().isIntact)
        _ = try await test.ledger.settle(lease, with: .completed(held: 1))
    }

    @Test("A write that fails in a shared commit takes nobody along, and leaves the chain whole")
    func savepoints() async throws {
        let test = try await TestLedger()
        let taken = test.order()
        _ = try await test.ledger.admit(taken)
        let admitted = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<100 {
                let order = index.isMultiple(of: 2) ? test.order() : taken
                group.addTask { (try? await test.ledger.admit(order)) != nil }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(admitted == 50)
        #expect(try await test.usage().executions == 51)
        #expect(try await test.ledger.verifyAudit().isIntact)
        #expect(try await test.audit(.executionAdmitted).count == 51)
    }

    @Test("Callers at once share commits")
    func groupCommit() async throws {
        let test = try await TestLedger()
        let before = test.ledger.commits.commits
        // Holds the writer until all callers are queued, so that the count does not depend on the machine's speed.
        await test.ledger.holdingTheWriter { [ledger = test.ledger] in
            for _ in 0..<200 { Task { try await ledger.admit(test.order()) } }
            while ledger.commits.waiting < 200 { sched_yield() }
        }
        #expect(try await eventually { try await test.usage().executions == 200 })
        #expect(test.ledger.commits.commits - before == 1)
    }

    @Test("300 callers at once never exceed a limit", arguments: [1, 7, 50])
    func neverExceeded(limit: Int) async throws {
        var policy = Policy.unlimited
        policy.executions = limit
        policy.runtime = [.hour: 20_500]
        let test = try await TestLedger(policy: policy)
        let leases = await withTaskGroup(of: Lease?.self) { group in
            for _ in 0..<300 { group.addTask { try? await test.ledger.admit(test.order(timeout: 1_000)) } }
            return await group.reduce(into: [Lease]()) { if let lease = $1 { $0.append(lease) } }
        }
        #expect(leases.count == min(limit, 21))
        #expect(leases.reduce(0) { $0 + $1.timeoutMilliseconds } <= 20_500)
        #expect(try await test.usage().executions == leases.count)
        await test.ledger.writeRefusals(all: true)
        let refused = try await test.audit(.executionRefused).map { $0.entry.count ?? 1 }
        #expect(refused.reduce(0, +) == 300 - Int64(leases.count), "each recorded or counted")
        #expect(refused.count <= 4, "a record and a count for each of the two limits")
    }

    @Test("An execution can be looked up by its tenant, and by nobody else")
    func lookup() async throws {
        let test = try await TestLedger()
        try await test.ledger.createTenant("beta", by: "test")
        let lease = try await test.ledger.admit(test.order(timeout: 2_000, context: "x"))
        let id = lease.executionID.text
        let running = try #require(try await test.ledger.execution(id, of: TestLedger.tenant))
        #expect(running.state == .running && running.outcome == nil && running.admittedAt == lease.admittedAt)
        #expect(running.subject == "user-42" && running.timeoutGrantedMilliseconds == 2_000)
        #expect(try await test.ledger.execution(id, of: "beta") == nil)
        #expect(try await test.ledger.execution("exe_none", of: TestLedger.tenant) == nil)

        test.clock.advance(by: .seconds(1))
        let result = ExecutionResult(
            outcome: .failed, reason: "raised", heldMilliseconds: 900, outputBytes: 12,
            exceptionName: "Value\u{1b}[31mError" + String(repeating: "x", count: 1_000))
        _ = try await test.ledger.settle(lease, with: result)
        let finished = try #require(try await test.ledger.execution(id, of: TestLedger.tenant))
        #expect(finished.state == .finished && finished.outcome == .failed && finished.reason == "raised")
        #expect(finished.runtimeMilliseconds == 900 && finished.finishedAt == test.clock.now)
        let exception = try #require(finished.exceptionName)
        #expect(exception.hasPrefix("Value\u{fffd}[31mError") && exception.count == 256)
    }

    @Test("Execution ids have one form")
    func executionIDs() {
        let id = ExecutionID.random()
        #expect(id.text.count == 28 && ExecutionID(id.text) == id)
        for wrong in ["", "exe_", "exe_" + String(repeating: "g", count: 24), id.text + "0", id.text.uppercased()] {
            #expect(ExecutionID(wrong) == nil)
        }
    }
}

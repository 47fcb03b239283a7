import Auth
import Quota
import Testing

@testable import Ledger

/// How calls to sandboxes get into the audit log.
struct CallTests {
    private static let body = Array(#"{"code":"1+1"}"#.utf8)

    private func sandbox(_ test: TestLedger) async throws -> OwnedSandbox {
        let claims = try test.ledger.authenticate(test.key.token).claims
        let admitted = try await test.ledger.admit(
            SandboxAdmissionOrder(
                handle: .random(),
                caller: SandboxCaller(
                    tenant: TestLedger.tenant, claims: claims, requestID: "req-0", sourceAddress: "192.0.2.1"),
                template: "code-interpreter-v1", timeoutMilliseconds: 60_000))
        return try await test.ledger.sandboxStarted(
            admitted.handle, id: "iabc",
            access: SandboxAccess(envdToken: "real", trafficToken: "real", domain: nil, envdVersion: "0.6.13"))
    }

    private func call(
        to sandbox: OwnedSandbox, _ pathClass: String = "files", request: String = "req-1"
    ) -> SandboxCall {
        SandboxCall(
            to: sandbox, method: "GET", port: 49983, pathClass: pathClass, sourceAddress: "192.0.2.7",
            requestID: request, traceID: String(repeating: "a", count: 32))
    }

    @Test("A start is on disk before it may act, with a keyed digest and the size of what starts it")
    func start() async throws {
        let test = try await TestLedger()
        let sandbox = try await sandbox(test)
        try await test.ledger.record(.code, by: call(to: sandbox, "execute"), body: Self.body)
        try await test.ledger.record(.process, by: call(to: sandbox, "process.Process/Start"), body: Self.body)
        let entry = try #require(try await test.audit(.sandboxCodeStarted).first?.entry)
        #expect(entry.sandboxHandle == sandbox.handle.text && entry.sandbox == "iabc")
        #expect(entry.tenant == TestLedger.tenant && entry.keyID == "\(test.key.key.id)")
        #expect(entry.method == "GET" && entry.port == 49983 && entry.pathClass == "execute")
        #expect(entry.sourceAddress == "192.0.2.7" && entry.requestID == "req-1")
        #expect(entry.traceID == String(repeating: "a", count: 32))
        #expect(entry.bodyBytes == Int64(Self.body.count))
        let digest = try #require(entry.bodyDigest)
        #expect(digest != Hex.text(Digest.sha256(Self.body)), "whoever knows the code could try it out")
        #expect(try await test.audit(.sandboxProcessStarted).first?.entry.bodyDigest == digest)
        #expect(try await test.ledger.verifyAudit().isIntact)
    }

    @Test("While the ledger cannot be written nothing starts and no call is taken in")
    func outage() async throws {
        let test = try await TestLedger()
        let sandbox = try await sandbox(test)
        let intruder = try Intruder(test)
        await #expect(throws: LedgerFailure.self) {
            try await test.ledger.record(.code, by: call(to: sandbox, "execute"), body: Self.body)
        }
        await #expect(throws: LedgerFailure.self) { try await test.ledger.open(call(to: sandbox)) }
        try intruder.leave()
        try await test.ledger.open(call(to: sandbox)).end(
            CallResult(outcome: .completed, status: 200, bytesIn: 0, bytesOut: 1))
        await test.ledger.writeCalls()
        #expect(try await test.audit(.sandboxCodeStarted).isEmpty)
        #expect(try await test.audit(.sandboxCalled).count == 1)
    }

    @Test("What was called while the ledger could not be written is recorded when it can be")
    func givenBack() async throws {
        let test = try await TestLedger()
        let call = try await test.ledger.open(call(to: try await sandbox(test)))
        let intruder = try Intruder(test)
        call.end(CallResult(outcome: .completed, status: 200, bytesIn: 1, bytesOut: 2))
        await test.ledger.writeCalls()
        #expect(try await test.audit(.sandboxCalled).isEmpty)
        try intruder.leave()
        await test.ledger.writeCalls()
        await test.ledger.writeCalls()
        #expect(try await test.audit(.sandboxCalled).count == 1)
    }

    @Test("A call is recorded with its bytes, its duration and how it ended")
    func one() async throws {
        let test = try await TestLedger()
        let call = try await test.ledger.open(call(to: try await sandbox(test)))
        test.clock.advance(by: .milliseconds(250))
        call.end(CallResult(outcome: .callerLeft, status: 200, bytesIn: 7, bytesOut: 11))
        call.end(CallResult(outcome: .failed, status: 502, bytesIn: 0, bytesOut: 0))
        await test.ledger.writeCalls()
        let records = try await test.audit(.sandboxCalled)
        #expect(records.count == 1)
        let entry = try #require(records.first?.entry)
        #expect(entry.bytesIn == 7 && entry.bytesOut == 11 && entry.duration == 250 && entry.status == 200)
        #expect(entry.outcome == "caller_left" && entry.requestID == "req-1" && entry.count == nil)
        #expect(try await test.audit(.sandboxCallOpened).isEmpty)
    }

    @Test("Equal calls between two writes are one record with their sums; others keep their own")
    func folded() async throws {
        let test = try await TestLedger()
        let sandbox = try await sandbox(test)
        let first = test.clock.now
        for number in 1...3 {
            let call = try await test.ledger.open(call(to: sandbox, request: "req-\(number)"))
            test.clock.advance(by: .milliseconds(10))
            call.end(CallResult(outcome: .completed, status: 200, bytesIn: 1, bytesOut: 100))
        }
        try await test.ledger.open(call(to: sandbox)).end(
            CallResult(outcome: .completed, status: 404, bytesIn: 0, bytesOut: 0))
        try await test.ledger.open(call(to: sandbox, "health")).end(
            CallResult(outcome: .completed, status: 200, bytesIn: 0, bytesOut: 0))
        await test.ledger.writeCalls()
        let entries = try await test.audit(.sandboxCalled).map(\.entry)
        #expect(entries.map(\.count) == [3, nil, nil])
        #expect(Set(entries.map(\.status)) == [200, 404] && Set(entries.map(\.pathClass)) == ["files", "health"])
        let sum = try #require(entries.first)
        #expect(sum.bytesIn == 3 && sum.bytesOut == 300 && sum.duration == 30)
        #expect(sum.firstAt == first.milliseconds + 10 && sum.lastAt == first.milliseconds + 30)
        #expect(sum.requestID == nil && sum.traceID == nil)
    }

    @Test("A call that lasts is recorded while it is open, once")
    func lasting() async throws {
        let test = try await TestLedger()
        let call = try await test.ledger.open(call(to: try await sandbox(test), "filesystem.Filesystem/WatchDir"))
        await test.ledger.writeCalls()
        #expect(try await test.audit(.sandboxCallOpened).isEmpty)
        test.clock.advance(by: .seconds(1))
        await test.ledger.writeCalls()
        await test.ledger.writeCalls()
        let opened = try await test.audit(.sandboxCallOpened).map(\.entry)
        #expect(opened.map(\.pathClass) == ["filesystem.Filesystem/WatchDir"] && opened.first?.requestID == "req-1")
        #expect(opened.first?.outcome == nil && opened.first?.status == nil)
        call.end(CallResult(outcome: .completed, status: 200, bytesIn: 0, bytesOut: 0))
        await test.ledger.writeCalls()
        #expect(try await test.audit(.sandboxCalled).count == 1)
    }

    @Test("A call that is let go of has ended")
    func letGo() async throws {
        let test = try await TestLedger()
        _ = try await test.ledger.open(call(to: try await sandbox(test)))
        await test.ledger.writeCalls()
        #expect(try await test.audit(.sandboxCalled).map(\.entry.outcome) == ["caller_left"])
        #expect(test.ledger.calls.openCount == 0)
    }

    @Test("Closing the ledger writes the calls that wait")
    func closed() async throws {
        let test = try await TestLedger()
        try await test.ledger.open(call(to: try await sandbox(test))).end(
            CallResult(outcome: .completed, status: 200, bytesIn: 0, bytesOut: 0))
        let reopened = try await test.reopened()
        let records = try await reopened.auditRecords(AuditQuery(action: .sandboxCalled))
        #expect(records.count == 1)
        await reopened.close()
    }

    @Test("No call is taken in without room for its record")
    func full() async throws {
        let journal = CallJournal(), now = Moment(seconds: 1)
        var numbers: [Int] = []
        for number in 0..<CallJournal.capacity {
            var entry = AuditEntry(.sandboxCalled)
            entry.requestID = "req-\(number)"
            numbers.append(try #require(journal.open(entry, at: now)))
        }
        #expect(journal.open(AuditEntry(.sandboxCalled), at: now) == nil)
        // Ended, they fold into one, and there is room again.
        for number in numbers {
            journal.end(number, CallResult(outcome: .completed, status: 200, bytesIn: 0, bytesOut: 0), at: now)
        }
        #expect(journal.open(AuditEntry(.sandboxCalled), at: now) != nil)
        let records = journal.take(openBefore: Moment(seconds: 0))
        #expect(records.map(\.count) == [Int64(CallJournal.capacity)])
        // What cannot be written takes the room of what could be called.
        let unequal = (0..<CallJournal.capacity).map { number in
            var entry = AuditEntry(.sandboxCalled)
            entry.sandbox = "i\(number)"
            return entry
        }
        journal.giveBack(unequal)
        #expect(journal.open(AuditEntry(.sandboxCalled), at: now) == nil)
        #expect(journal.take(openBefore: Moment(seconds: 0)).count == CallJournal.capacity)
        #expect(journal.open(AuditEntry(.sandboxCalled), at: now) != nil)
    }
}

import Quota
import Testing

@testable import Ledger

struct RefusalTests {
    private func stranger(from source: String) -> RefusedCall {
        RefusedCall(
            of: .nobody(claimedKeyID: nil), calling: "whoAmI", reason: "invalid-token", cause: "unknown key",
            sourceAddress: source, requestID: "req-1", traceID: String(repeating: "a", count: 32))
    }

    @Test("A refusal is recorded with who, what, why and from where")
    func recorded() async throws {
        let test = try await TestLedger()
        test.ledger.note(stranger(from: "192.0.2.7"))
        #expect(try await test.audit(.authenticationRefused).isEmpty, "nobody waits for the disk")
        await test.ledger.writeRefusals()
        let entry = try #require(try await test.audit(.authenticationRefused).first?.entry)
        #expect(entry.outcome == "refused" && entry.reason == "invalid-token" && entry.cause == "unknown key")
        #expect(entry.operation == "whoAmI" && entry.sourceAddress == "192.0.2.7" && entry.requestID == "req-1")
        #expect(entry.traceID == String(repeating: "a", count: 32) && entry.count == nil)
    }

    @Test("A flood from one source leaves two records a minute")
    func flood() async throws {
        let test = try await TestLedger()
        for _ in 0..<3 {
            for _ in 0..<10_000 { test.ledger.note(stranger(from: "192.0.2.7")) }
            await test.ledger.writeRefusals()
            test.clock.advance(by: RefusalFold.window)
            await test.ledger.writeRefusals()
        }
        let records = try await test.audit(.authenticationRefused)
        #expect(records.map(\.entry.count) == [nil, 9_999, nil, 9_999, nil, 9_999])
        #expect(try await test.ledger.verifyAudit().isIntact)
    }

    @Test("Strangers from many addresses do not take a tenant's name away")
    func strangersAndTenants() async throws {
        let test = try await TestLedger()
        for number in 0..<5_000 { test.ledger.note(stranger(from: "10.\(number / 250).0.\(number % 250)")) }
        test.ledger.note(
            RefusedCall(
                of: .tenant("acme", keyID: "00112233445566ff", subject: "ann"), calling: "createExecution",
                reason: "rate-limited", sourceAddress: "192.0.2.1", requestID: "req-2"))
        await test.ledger.writeRefusals(all: true)
        let own = try await test.ledger.auditRecords(AuditQuery(action: .callRefused))
        #expect(own.map(\.entry.tenant) == ["acme"])
        let count = try await test.ledger.read { database in
            try database.value(Int.self, "SELECT count(*) FROM audit WHERE record LIKE '%authentication.refused%'")
        }
        #expect(count == RefusalJournal.strangersKinds + 2)
    }

    @Test("Whoever is refused in a thousand ways takes nobody else's name away")
    func sharesOfTheirOwn() async throws {
        let test = try await TestLedger()
        func note(_ caller: RefusedCall.Caller) {
            test.ledger.note(
                RefusedCall(
                    of: caller, calling: "createExecution", reason: "rate-limited", sourceAddress: "192.0.2.1",
                    requestID: "req-1"))
        }
        for number in 0..<5_000 { note(.tenant("loud", keyID: "00112233445566ff", subject: "user-\(number)")) }
        note(.tenant("quiet", keyID: "ff66554433221100", subject: "ann"))
        note(.administrator("admin:ops", keyID: "0123456789abcdef"))
        await test.ledger.writeRefusals(all: true)
        let loud = try await test.ledger.auditRecords(AuditQuery(tenant: "loud", limit: 1_000)).map(\.entry)
        #expect(loud.count == RefusalJournal.maximumKinds + 2)
        #expect(loud.reduce(0) { $0 + ($1.count ?? 1) } == 5_000, "all of them under its name")
        #expect(try await test.ledger.auditRecords(AuditQuery(tenant: "quiet")).map(\.entry.subject) == ["ann"])
        let refused = try await test.ledger.auditRecords(AuditQuery(action: .administrationRefused))
        #expect(refused.map(\.entry.actorKeyID) == ["0123456789abcdef"])
    }

    @Test("What a caller chooses anew each time makes no other kind of a refusal by admission")
    func chosenByTheCaller() async throws {
        var policy = Policy.unlimited
        policy.executions = 0
        let test = try await TestLedger(policy: policy)
        for timeout in 1...50 {
            var order = test.order(timeout: Int64(timeout))
            order.template = "template-\(timeout)"
            let asked = order
            await #expect(throws: AdmissionFailure.self) { try await test.ledger.admit(asked) }
        }
        await test.ledger.writeRefusals(all: true)
        #expect(try await test.audit(.executionRefused).map(\.entry.count) == [nil, 49])
    }

    @Test("Many at once leave one record in their commit; a commit that fails leaves none, and counts nothing")
    func commits() async throws {
        var policy = Policy.unlimited
        policy.executions = 0
        let test = try await TestLedger(policy: policy)
        let intruder = try Intruder(test)
        await #expect(throws: AdmissionFailure.self) { try await test.ledger.admit(test.order()) }
        try intruder.leave()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask { _ = try? await test.ledger.admit(test.order()) }
            }
        }
        #expect(try await test.audit(.executionRefused).count == 1)
        await test.ledger.writeRefusals(all: true)
        #expect(try await test.audit(.executionRefused).map(\.entry.count) == [nil, 99])
    }

    @Test("Refusals wait while the ledger cannot be written, in bounded memory, and none is lost")
    func outage() async throws {
        let journal = RefusalJournal()
        let start = Moment(seconds: 1_800_000_000)
        for minute in 0..<10 {
            for number in 0..<2_000 {
                let source = "10.\(minute).\(number / 250).\(number % 250)"
                journal.note(stranger(from: source).entry, at: start + .seconds(minute * 61))
            }
            // What a failed commit gives back.
            journal.giveBack(journal.take(at: start + .seconds(minute * 61)))
        }
        var written: [AuditEntry] = []
        while case let records = journal.take(at: start + .seconds(610), all: true), !records.isEmpty {
            #expect(records.count <= RefusalJournal.maximumPending)
            written += records
        }
        #expect(written.reduce(0) { $0 + ($1.count ?? 1) } == 20_000)
    }

    @Test("What the writer refuses is given back and written later")
    func writtenLater() async throws {
        let test = try await TestLedger()
        let intruder = try Intruder(test)
        test.ledger.note(stranger(from: "192.0.2.7"))
        await test.ledger.writeRefusals()
        try intruder.leave()
        #expect(try await test.audit(.authenticationRefused).isEmpty)
        await test.ledger.writeRefusals()
        #expect(try await test.audit(.authenticationRefused).count == 1)
    }

    @Test("Refusals by admission are recorded in its commit, equal ones counted")
    func admission() async throws {
        var policy = Policy.unlimited
        policy.executions = 0
        let test = try await TestLedger(policy: policy)
        for number in 0..<20 {
            let subject = number < 10 ? "ann" : "bob"
            await #expect(throws: AdmissionFailure.self) { try await test.ledger.admit(test.order(subject: subject)) }
        }
        #expect(try await test.audit(.executionRefused).map(\.entry.subject) == ["ann", "bob"])
        #expect(try await test.audit(.executionRefused).allSatisfy { $0.entry.execution != nil })
        test.clock.advance(by: RefusalFold.window)
        await test.ledger.writeRefusals()
        let counted = try await test.audit(.executionRefused).suffix(2).map(\.entry)
        #expect(counted.map(\.count) == [9, 9] && counted.allSatisfy { $0.execution == nil && $0.codeDigest == nil })
    }

    @Test("What is counted is written when the ledger is closed")
    func closing() async throws {
        let test = try await TestLedger()
        for _ in 0..<3 { test.ledger.note(stranger(from: "192.0.2.7")) }
        let ledger = try await test.reopened()
        let records = try await ledger.auditRecords(AuditQuery(action: .authenticationRefused))
        #expect(records.map(\.entry.count) == [nil, 2])
        await ledger.close()
    }
}

import Auth
import Foundation
import Quota
import Testing

@testable import Ledger

/// `ledger check` finds nothing in a ledger that lived, and everything that is broken in one by hand.
struct CheckTests {
    /// A ledger with a past: executions that ended in every way, across the turn of an hour, and some that run.
    private func lived() async throws -> TestLedger {
        let test = try await TestLedger()
        // A quarter of a second before the next hour.
        test.clock.advance(by: .seconds(3_600) - .milliseconds(250))
        for index in 0..<6 {
            let lease = try await test.ledger.admit(test.order(timeout: 1_000, id: named(index)))
            await test.ledger.recordSandbox("sbx\(index)", for: lease)
            if index < 4 {
                let outcome: Outcome = index == 1 ? .timed_out : .completed
                _ = try await test.ledger.settle(
                    lease, with: ExecutionResult(outcome: outcome, heldMilliseconds: Int64(index) * 400, outputBytes: 1)
                )
            }
            test.clock.advance(by: .milliseconds(70))
        }
        await test.ledger.sandboxDestroyed("sbx0")
        return test
    }

    private func named(_ index: Int) throws -> ExecutionID {
        try #require(ExecutionID("exe_" + String(repeating: "0", count: 23) + "\(index)"))
    }

    private func name(_ index: Int) throws -> String { try named(index).text }

    @Test("Nothing is found in a ledger that lived, running, closed and recovered")
    func sound() async throws {
        let test = try await lived()
        let check = try await test.check()
        #expect(check.findings == [])
        let ofFiles = [Invariant.file, .references].map(\.name)
        let looked = Invariant.all.map(\.name).filter { !TestLedger.isOnServer || !ofFiles.contains($0) }
        #expect(check.invariants == looked)
        #expect(check.sequence == (try await test.audit().last?.sequence))

        let ledger = try await test.reopened()
        #expect(try await ledger.recover().executions.count == 2)
        #expect(try await test.check().findings == [])
        await ledger.close()
        #expect(try await test.check().findings == [])
    }

    @Test("Nothing is found in a ledger whose process was killed, nor once it has recovered", .ofAFile)
    func killed() async throws {
        let test = try await lived()
        let copy = try KilledCopy(of: test)
        #expect(try LedgerCheck.run(at: copy.path).findings == [])
        let killed = try Ledger.open(at: copy.path, rootKey: test.rootKey, clock: test.clock.source)
        #expect(try await killed.recover().executions.count == 2)
        #expect(try LedgerCheck.run(at: copy.path).findings == [])
    }

    @Test("A ledger is checked while it is written to")
    func beside() async throws {
        let test = try await lived()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<50 {
                        let lease = try await test.ledger.admit(test.order())
                        _ = try await test.ledger.settle(lease, with: .completed(held: 3))
                    }
                }
            }
            for _ in 0..<10 { #expect(try await test.check().findings == []) }
            try await group.waitForAll()
        }
    }

    /// What is done to the ledger by hand, and where the check must find it.
    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let sql: String
        let invariant: String
        let row: String
        var problem = ""

        init(_ what: String, _ sql: String, _ invariant: String, _ row: String, _ problem: String = "") {
            (testDescription, self.sql, self.invariant, self.row, self.problem) = (what, sql, invariant, row, problem)
        }
    }

    private static let settled = "exe_000000000000000000000003"
    private static let running = "exe_000000000000000000000004"

    static let damages = TestLedger.isOnServer ? anywhere : anywhere + inFiles

    /// What PostgreSQL sees to itself.
    private static let inFiles = [
        Damage(
            "a lease of nobody, by its reference",
            "UPDATE lease SET execution = 'exe_none' WHERE execution = '\(running)'", "references", "lease")
    ]

    private static let anywhere: [Damage] = [
        Damage(
            "a lease lost", "DELETE FROM lease WHERE execution = '\(running)'", "executions", "execution/\(running)",
            "is not finished and has no lease"),
        Damage(
            "a lease lost, for its usage", "DELETE FROM lease WHERE execution = '\(running)'", "usage", "usage/acme",
            "says that 2 executions run; there are 1 leases"),
        Damage(
            "a lease lost, for its sandbox", "DELETE FROM lease WHERE execution = '\(running)'", "sandboxes",
            "sandbox/sbx4"),
        Damage(
            "a settled execution's lease back",
            """
            INSERT INTO lease SELECT '\(settled)', tenant, epoch, grant_document FROM lease
            WHERE execution = '\(running)'
            """, "leases", "lease/\(settled)", "its execution is finished"),
        Damage(
            "a lease of nobody", "UPDATE lease SET execution = 'exe_none' WHERE execution = '\(running)'", "leases",
            "lease/exe_none", "does not exist"),
        Damage(
            "a lease of the future", "UPDATE lease SET epoch = 99 WHERE execution = '\(running)'", "leases",
            "lease/\(running)", "yet to come"),
        Damage(
            "a lease that cannot be read", "UPDATE lease SET grant_document = '{}' WHERE execution = '\(running)'",
            "leases", "lease/\(running)", "does not say"),
        Damage(
            "another time granted", "UPDATE execution SET timeout_granted = 999 WHERE id = '\(running)'", "leases",
            "lease/\(running)", "another time"),
        Damage(
            "an execution lost", "DELETE FROM execution WHERE id = '\(settled)'", "recorded", "audit/10",
            "speaks of \(settled), which does not exist"),
        Damage(
            "a charge changed", "UPDATE execution SET charged = charged - 1 WHERE id = '\(settled)'", "outcomes",
            "execution/\(settled)", "its audit record says completed, 1000 ms"),
        Damage(
            "a charge changed, for its usage", "UPDATE execution SET charged = charged - 1 WHERE id = '\(settled)'",
            "usage", "usage/acme", "executions were charged"),
        Damage(
            "an outcome changed", "UPDATE execution SET outcome = 'failed' WHERE id = '\(settled)'", "outcomes",
            "execution/\(settled)"),
        Damage(
            "a charge beyond the ceiling", "UPDATE execution SET charged = 1001 WHERE id = '\(settled)'", "executions",
            "execution/\(settled)"),
        Damage(
            "a finish undone", "UPDATE execution SET finished_at = NULL WHERE id = '\(settled)'", "outcomes",
            "execution/\(settled)", "is running and has 1 records of its outcome"),
        Damage(
            "a doubled outcome", "\(Self.doubling("execution.finished"))", "outcomes", "execution/\(settled)",
            "is finished and has 2 records"),
        Damage(
            "a doubled intent", "\(Self.doubling("execution.admitted"))", "intents", "execution/\(settled)",
            "has 2 records of its admission"),
        Damage(
            "an intent lost",
            "DELETE FROM audit WHERE execution = '\(settled)' AND record LIKE '%execution.admitted%'", "intents",
            "execution/\(settled)", "has 0 records"),
        Damage(
            "a record lost, for the chain", "DELETE FROM audit WHERE sequence = 5", "chain", "audit/5", "missing"),
        Damage(
            "a record altered", "UPDATE audit SET record = replace(record, 'acme', 'emca') WHERE sequence = 6",
            "chain", "audit/6", "does not match its hash"),
        Damage(
            "a record that is not JSON", "UPDATE audit SET record = 'x' WHERE execution = '\(settled)'", "intents",
            "execution/\(settled)", "has 0 records"),
        Damage(
            "a deleted tenant's key that lives", "UPDATE tenant SET deleted_at = 1", "tenants", "tenant/acme",
            "is deleted, and its key"),
        Damage(
            "names that cannot be read", "UPDATE tenant SET former_names = 'x'", "tenants", "tenant/acme",
            "cannot be read"),
        Damage(
            "a tenant called what its records do not say", "UPDATE tenant SET present_name = 'other'", "tenants",
            "audit/2",
            "speaks of acme"),
        Damage(
            "a record of another tenant's", "UPDATE audit SET tenant = 'beta' WHERE sequence = 6", "tenants", "audit/6",
            "is found as a record of beta's"),
        Damage(
            "a record found of nobody", "UPDATE audit SET tenant = NULL WHERE sequence = 6", "tenants", "audit/6",
            "is found as a record of nobody's"),
        Damage(
            "the end of the chain moved", "UPDATE chain SET sequence = sequence + 1", "chain", "audit/14", "missing"),
        Damage(
            "used changed", Self.usage("usedMilliseconds", plus: 1), "usage", "usage/acme", "ms used in the hour"),
        Damage(
            "reserved changed", Self.usage("reservedMilliseconds", plus: -5), "usage", "usage/acme",
            "ms reserved in the hour"),
        Damage(
            "the count changed", Self.setting("executions", of: "usage", to: "7"), "usage", "usage/acme",
            "says that 7 executions run; there are 2"),
        Damage(
            "a window lost", Self.setting("windows", of: "usage", to: "[]"), "usage",
            "usage/acme", "says 0 ms used"),
        Damage("usage lost", "DELETE FROM usage", "usage", "usage/acme"),
        Damage("usage that cannot be read", "UPDATE usage SET usage = '['", "usage", "usage/acme", "cannot be read"),
        Damage(
            "a sandbox forgotten", "UPDATE sandbox SET doomed_at = NULL WHERE id = 'sbx1'", "sandboxes",
            "sandbox/sbx1", "neither held"),
        Damage(
            "a subject's share changed",
            Self.setting("executions", of: "subject", to: "7"), "subjects", "subject/acme/user-42",
            "says that 7 executions run; there are 2"),
        Damage(
            "a subject lost", Self.setting("windows", of: "subject", to: "[]"), "subjects",
            "subject/acme/user-42", "says 0 ms used"),
        Damage(
            "a credit overspent",
            Self.setting(
                "credits", of: "usage",
                to: """
                    [{"id":"crd_1","milliseconds":5,"expiresAt":{"nanoseconds":1900000000000000000},\
                    "usedMilliseconds":4,"reservedMilliseconds":2}]
                    """), "usage", "usage/acme", "has used more of crd_1 than it gives"),
        Damage(
            "a sum changed", "UPDATE consumption SET charged = charged + 1", "consumption", "", "4 executions and"),
        Damage("a sum lost", "DELETE FROM consumption", "consumption", "", "says 0 executions"),
        Damage(
            "a sum of subjects changed", "UPDATE subject_consumption SET executions = 9", "sums",
            "subject_consumption/acme/20833", "comes to 9 executions"),
    ]

    private static func doubling(_ action: String) -> String {
        """
        INSERT INTO audit SELECT 1000, hash, record, tenant, execution FROM audit
        WHERE execution = '\(settled)' AND record LIKE '%\(action)%'
        """
    }

    private static func usage(_ member: String, plus: Int) -> String {
        "UPDATE usage SET usage = \(TestLedger.dialect.json("usage", adding: plus, to: "windows/0/\(member)"))"
    }

    private static func setting(_ member: String, of table: String, to json: String) -> String {
        "UPDATE \(table) SET usage = \(TestLedger.dialect.json("usage", setting: member, to: json))"
    }

    @Test("What is broken is found and named", arguments: damages)
    func broken(_ damage: Damage) async throws {
        let test = try await lived()
        #expect(try test.ledger.tamper(damage.sql) > 0)
        let check = try await test.check()
        let found = check.findings.contains {
            $0.invariant == damage.invariant && (damage.row.isEmpty || $0.row == damage.row)
                && (damage.problem.isEmpty || $0.problem.contains(damage.problem))
        }
        #expect(found, "\(check.findings)")
        #expect(!check.isSound)
    }

    @Test("Overwritten pages are found, and no query ends the check", .ofAFile)
    func overwrittenPages() async throws {
        let test = try await lived()
        for _ in 0..<100 { _ = try await test.ledger.admit(test.order()) }
        let copy = test.folder.path + "/copy.db"
        _ = try Ledger.backUp(test.path, to: copy)
        let file = try FileHandle(forUpdating: URL(filePath: copy))
        let size = try file.seekToEnd()
        try file.seek(toOffset: size / 2 / 4_096 * 4_096)
        try file.write(contentsOf: Data(repeating: 0xA5, count: 3 * 4_096))
        try file.close()
        let check = try LedgerCheck.run(at: copy)
        #expect(check.findings.contains { $0.invariant == "file" })
    }

    @Test("Audit records outlive the executions they speak of, if these were deleted in good order")
    func forgotten() async throws {
        let test = try await lived()
        let oldest = try await test.ledger.execution(name(2), of: TestLedger.tenant)
        let kept = try #require(oldest).admittedAt
        let ids: SQLParameters = [try name(0), try name(1)]
        try test.ledger.tamper("DELETE FROM sandbox WHERE execution IN (?, ?)", ids)
        try test.ledger.tamper("DELETE FROM execution WHERE id IN (?, ?)", ids)
        let isOrphaned: (LedgerFinding) -> Bool = { $0.invariant == "recorded" }
        #expect(try await test.check().findings.count(where: isOrphaned) == 4)
        try test.ledger.tamper("INSERT INTO fact VALUES (?, ?)", [KeptExecutions.factName, kept.nanoseconds])
        #expect(try await test.check().findings.count(where: isOrphaned) == 0)
    }

    @Test("A tenant that was still for longer than executions are kept is sound, its old windows named and all")
    func stillForLong() async throws {
        let test = try await lived()
        let ledger = try await test.reopened()
        _ = try await ledger.recover()
        for sandbox in try await ledger.sandboxesToDestroy() { await ledger.sandboxDestroyed(sandbox) }
        test.clock.advance(by: .seconds(91 * 86_400))
        #expect(try await ledger.forgetOldExecutions() == 6)
        let check = try await test.check()
        #expect(check.isSound, "\(check.findings)")
    }

    @Test("A ledger that is thoroughly broken has a hundred findings of a kind and a number")
    func many() async throws {
        let test = try await TestLedger()
        for _ in 0..<150 { _ = try await test.ledger.admit(test.order()) }
        try test.ledger.tamper("DELETE FROM lease")
        let check = try await test.check()
        #expect(check.findings.count { $0.invariant == "executions" } == 100)
        #expect(check.omitted == 50)
    }

    @Test("A refusal is no execution, and a settlement repeated breaks nothing")
    func refusedAndRepeated() async throws {
        var policy = Policy.unlimited
        policy.executions = 1
        let test = try await TestLedger(policy: policy)
        let lease = try await test.ledger.admit(test.order())
        await #expect(throws: AdmissionFailure.self) { try await test.ledger.admit(test.order()) }
        _ = try await test.ledger.settle(lease, with: .completed(held: 1))
        _ = try await test.ledger.settle(lease, with: .completed(held: 1))
        #expect(try await test.check().findings == [])
    }

    @Test("Something else is not checked as a ledger", .ofAFile)
    func somethingElse() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/x"
        #expect(throws: LedgerFailure.missing(path: path)) { try LedgerCheck.run(at: path) }
        try Data(repeating: 7, count: 9_000).write(to: URL(filePath: path))
        #expect(throws: LedgerFailure.notALedger(path: path)) { try LedgerCheck.run(at: path) }
    }
}

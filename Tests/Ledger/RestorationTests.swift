import Auth
import Foundation
import GRDB
import Quota
import Testing

@testable import Ledger

@Suite(.ofAFile) struct RestorationTests {
    /// A ledger that went on after a backup: a key was revoked, an execution was settled. Closed.
    private struct Aged {
        let test: TestLedger
        let backup: String
        let check: LedgerCheck
        let admin: IssuedAdminKey
        let running: Lease
        let session: ConsoleSessionID

        init() async throws {
            test = try await TestLedger()
            admin = try await test.ledger.issueAdminToken(named: "first", scopes: Scope.adminScopes, by: "test")
            let principal = try test.ledger.authenticateAdmin(admin.token)
            session = try await test.ledger.openConsoleSession(of: principal, by: "test").id
            running = try await test.ledger.admit(test.order(timeout: 2_000))
            backup = test.folder.path + "/backup.db"
            check = try Ledger.backUp(test.path, to: backup).check
            _ = try await test.ledger.settle(running, with: .completed(held: 7))
            try await test.ledger.revokeKey(test.key.key.id, by: "test")
            try await test.ledger.createTenant("later", by: "test")
            await test.ledger.close()
        }

        func restore(revokingAllKeys: Bool = false) async throws -> RestoredLedger {
            let restoration = try LedgerRestoration(of: backup, to: test.path, rootKey: test.rootKey)
            return try await restoration.perform(revokingAllKeys: revokingAllKeys, by: "test")
        }

        func opened() throws -> Ledger {
            try Ledger.open(in: test.location, rootKey: test.rootKey, clock: test.clock.source)
        }
    }

    @Test("The ledger is what it was, its chain goes on and says so, and what was there is kept")
    func keepingKeys() async throws {
        let aged = try await Aged()
        let restoration = try LedgerRestoration(of: aged.backup, to: aged.test.path, rootKey: aged.test.rootKey)
        #expect(restoration.check.isSound)
        #expect(restoration.loss?.records == 3 && restoration.loss?.revivedKeys == 1)
        let restored = try await restoration.perform(revokingAllKeys: false, by: "test")
        restoration.release()
        #expect(restored.adminToken == nil && restored.revokedKeys == 0)
        #expect(try LedgerCheck.run(at: aged.test.path).findings == [])

        let kept = try #require(restored.keptAt)
        #expect(try LedgerCheck.run(at: kept).sequence == aged.check.sequence + 3)
        let attributes = try FileManager.default.attributesOfItem(atPath: aged.test.path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let names = try FileManager.default.contentsOfDirectory(atPath: aged.test.folder.path)
        #expect(!names.contains { $0.contains("restoring") })

        let ledger = try aged.opened()
        #expect(try ledger.authenticate(aged.test.key.token).tenant == TestLedger.tenant)
        // They may have signed out since.
        await #expect(throws: AuthenticationFailure.unknownKey) {
            try await ledger.consoleSession(aged.session, isAttended: true)
        }
        #expect(try await ledger.tenants().map(\.name) == [TestLedger.tenant])
        let last = try #require(try await ledger.auditRecords(AuditQuery(limit: 1_000)).last)
        #expect(last.entry.action == .ledgerRestored && last.sequence == aged.check.sequence + 1)
        #expect(last.entry.afterDocument == "{\"hash\":\"\(aged.check.hash)\",\"sequence\":\(aged.check.sequence)}")
        #expect(try await ledger.recover().executions == [aged.running.executionID.text])
        #expect(try await ledger.verifyAudit().isIntact)
    }

    @Test("With all keys revoked only the one new admin token opens anything")
    func revokingKeys() async throws {
        let aged = try await Aged()
        let restored = try await aged.restore(revokingAllKeys: true)
        #expect(restored.revokedKeys == 1 && restored.revokedAdminTokens == 1)
        let issued = try #require(restored.adminToken)
        let ledger = try aged.opened()
        #expect(throws: AuthenticationFailure.self) { try ledger.authenticate(aged.test.key.token) }
        #expect(throws: AuthenticationFailure.self) { try ledger.authenticateAdmin(aged.admin.token) }
        #expect(try ledger.authenticateAdmin(issued.token).scopes == Scope.adminScopes)
        let records = try await ledger.auditRecords(AuditQuery(limit: 1_000, after: aged.check.sequence))
        #expect(
            records.map(\.entry.action) == [.ledgerRestored, .keyRevoked, .adminTokenRevoked, .adminTokenIssued])
        #expect(records[1...2].allSatisfy { $0.entry.reason == "ledger_restored" })
        #expect(try LedgerCheck.run(at: aged.test.path).findings == [])
    }

    @Test("Refused: a ledger in use, the wrong root key, the ledger itself, something else")
    func refusals() async throws {
        let aged = try await Aged()
        let (path, rootKey) = (aged.test.path, aged.test.rootKey)
        do {
            let open = try aged.opened()
            #expect(throws: LedgerFailure.inUse(path: path)) {
                try LedgerRestoration(of: aged.backup, to: path, rootKey: rootKey)
            }
            await open.close()
        }
        let before = try LedgerCheck.run(at: path).hash
        #expect(throws: LedgerFailure.wrongRootKey) {
            try LedgerRestoration(of: aged.backup, to: path, rootKey: .random())
        }
        #expect(throws: LedgerFailure.exists(path: path)) {
            try LedgerRestoration(of: path, to: path, rootKey: rootKey)
        }
        #expect(throws: LedgerFailure.missing(path: "/nowhere")) {
            try LedgerRestoration(of: "/nowhere", to: path, rootKey: rootKey)
        }
        #expect(try LedgerCheck.run(at: path).hash == before)
        let held = try LedgerRestoration(of: aged.backup, to: path, rootKey: rootKey)
        #expect(throws: LedgerFailure.inUse(path: path)) { try aged.opened() }
        held.release()
    }

    @Test("Somebody who only reads the ledger is in the way, and nothing is moved under them")
    func reader() async throws {
        let aged = try await Aged()
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let reader = try DatabaseQueue(path: aged.test.path, configuration: configuration)
        try await reader.writeWithoutTransaction { database in
            try database.execute(sql: "BEGIN")
            _ = try Int.fetchOne(database, sql: "SELECT count(*) FROM audit")
        }
        await #expect(throws: LedgerFailure.inUse(path: aged.test.path)) { try await aged.restore() }
        #expect(!LedgerRestoration.wasInterrupted(at: aged.test.path))
        try await reader.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        try reader.close()
        #expect(try await aged.restore().keptAt != nil)
    }

    @Test("A ledger damaged beyond reading is kept as it is, with its journal, and replaced")
    func damaged() async throws {
        let aged = try await Aged()
        let garbage = Data(repeating: 0xA5, count: 40_000)
        try garbage.write(to: URL(filePath: aged.test.path))
        try garbage.write(to: URL(filePath: aged.test.path + "-wal"))
        let restored = try await aged.restore()
        let kept = try #require(restored.keptAt)
        #expect(FileManager.default.contents(atPath: kept) == garbage)
        #expect(FileManager.default.contents(atPath: kept + "-wal") == garbage)
        #expect(!FileManager.default.fileExists(atPath: aged.test.path + "-wal"), "before anybody opens it")
        #expect(try LedgerCheck.run(at: aged.test.path).findings == [])
        #expect(try aged.opened().authenticate(aged.test.key.token).tenant == TestLedger.tenant)
    }

    @Test("Where there is no ledger, one is put; what an interrupted restoration left is used up")
    func nothingThere() async throws {
        let aged = try await Aged()
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: aged.test.path + suffix) }
        for suffix in ["", "-wal", "-journal"] {
            try Data(repeating: 1, count: 9_000).write(to: URL(filePath: aged.test.path + ".restoring" + suffix))
        }
        #expect(LedgerRestoration.wasInterrupted(at: aged.test.path))
        #expect(try await aged.restore().keptAt == nil)
        #expect(!LedgerRestoration.wasInterrupted(at: aged.test.path))
        #expect(try LedgerCheck.run(at: aged.test.path).findings == [])
    }

    @Test("Two restorations within a second keep both of what was there")
    func twice() async throws {
        let aged = try await Aged()
        let first = try await aged.restore().keptAt
        let second = try await aged.restore().keptAt
        #expect(first != nil && second != nil && first != second)
        #expect(try LedgerCheck.run(at: aged.test.path).findings == [])
    }
}

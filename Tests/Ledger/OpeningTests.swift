import Auth
import Foundation
import GRDB
import Quota
import Testing

@testable import Ledger

struct OpeningTests {
    @Test("What was written is there again after reopening")
    func reopen() async throws {
        let test = try await TestLedger()
        let lease = try await test.ledger.admit(test.order())
        _ = try await test.ledger.settle(lease, with: .completed(held: 400))
        let before = try await test.ledger.usageReport(of: TestLedger.tenant)
        let ledger = try await test.reopened()
        #expect(try await ledger.usageReport(of: TestLedger.tenant) == before)
        #expect(try ledger.authenticate(test.key.token).tenant == TestLedger.tenant)
        #expect(try await ledger.tenants().map(\.name) == [TestLedger.tenant])
        #expect(try await ledger.verifyAudit().isIntact)
    }

    @Test("The file, its journals and its lock are its owner's alone", .ofAFile)
    func fileMode() async throws {
        let test = try await TestLedger()
        for suffix in ["", "-wal", "-shm", ".lock"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: test.path + suffix)
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(suffix)")
        }
    }

    @Test("Every commit is synced", .ofAFile)
    func synchronous() async throws {
        let test = try await TestLedger()
        let (mode, level) = try await test.ledger.pool.write { database in
            (
                try String.fetchOne(database, sql: "PRAGMA journal_mode"),
                try Int.fetchOne(database, sql: "PRAGMA synchronous")
            )
        }
        #expect(mode == "wal")
        #expect(level == 2)
    }

    @Test("A second opener is turned away until the first lets go, closed or dropped", .ofAFile)
    func secondOpener() async throws {
        let test = try await TestLedger()
        #expect(throws: LedgerFailure.inUse(path: test.path)) {
            try Ledger.open(at: test.path, rootKey: test.rootKey)
        }
        await test.ledger.close()
        do {
            let second = try Ledger.open(at: test.path, rootKey: test.rootKey)
            #expect(throws: LedgerFailure.inUse(path: test.path)) {
                try Ledger.open(at: test.path, rootKey: test.rootKey)
            }
            _ = second.epoch
        }
        _ = try Ledger.open(at: test.path, rootKey: test.rootKey)
    }

    @Test("The wrong root key is noticed at once, and the right one still works")
    func wrongRootKey() async throws {
        let test = try await TestLedger()
        await test.ledger.close()
        #expect(throws: LedgerFailure.wrongRootKey) { try Ledger.open(in: test.location, rootKey: .random()) }
        #expect(throws: Never.self) { try Ledger.open(in: test.location, rootKey: test.rootKey) }
    }

    @Test("Nothing there, something there already, something else there", .ofAFile)
    func wrongFiles() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/other"
        #expect(throws: LedgerFailure.missing(path: path)) { try Ledger.open(at: path, rootKey: .random()) }
        #expect(!FileManager.default.fileExists(atPath: path))

        try Data("not a database, but long enough to be taken for one by its header ".utf8).write(
            to: URL(filePath: path))
        #expect(throws: LedgerFailure.exists(path: path)) { try Ledger.create(at: path, rootKey: .random()) }
        #expect(throws: LedgerFailure.notALedger(path: path)) { try Ledger.open(at: path, rootKey: .random()) }
        #expect(throws: LedgerFailure.notALedger(path: folder.path)) {
            try Ledger.open(at: folder.path, rootKey: .random())
        }
        #expect(throws: LedgerFailure.self) { try Ledger.create(at: "/nowhere/at/all.db", rootKey: .random()) }
    }

    @Test("Another program's database is refused and left as it was", .ofAFile)
    func foreignDatabase() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/foreign.db"
        let foreign = try DatabaseQueue(path: path)
        try foreign.write { try $0.execute(sql: "CREATE TABLE tenant (name TEXT)") }
        try foreign.close()
        #expect(throws: LedgerFailure.notALedger(path: path)) { try Ledger.open(at: path, rootKey: .random()) }
        let tables = try DatabaseQueue(path: path).read { database in
            try String.fetchAll(database, sql: "SELECT name FROM sqlite_master")
        }
        #expect(tables == ["tenant"])
    }

    @Test("A ledger of a newer gateway is refused")
    func tooNew() async throws {
        let test = try await TestLedger()
        switch TestLedger.dialect {
        case .sqlite: try test.ledger.tamper("INSERT INTO grdb_migrations (identifier) VALUES ('999 from the future')")
        case .postgreSQL: try test.ledger.tamper("INSERT INTO migration VALUES (999, 'from the future', 0)")
        }
        await test.ledger.close()
        let tooNew = LedgerFailure.tooNew(path: test.location.description)
        #expect(throws: tooNew) { try Ledger.open(in: test.location, rootKey: test.rootKey) }
        await #expect(throws: tooNew) { try await test.check() }
    }

    @Test("A ledger that was left in the middle of a write without a write-ahead log is checked, and opens", .ofAFile)
    func halfCommit() async throws {
        let test = try await TestLedger()
        await test.ledger.close()
        let backup = test.folder.path + "/backup.db"
        _ = try Ledger.backUp(test.path, to: backup)
        let copy = test.folder.path + "/killed.db"
        let writer = try DatabaseQueue(path: backup)
        try await writer.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA cache_size = 1")
            try database.inTransaction {
                // More than the cache holds, so that pages reach the file before the commit.
                for index in 0..<500 {
                    try database.execute(
                        sql: "INSERT INTO audit VALUES (?, x'00', ?, NULL, NULL)",
                        arguments: [1_000 + index, String(repeating: "x", count: 1_000)])
                }
                for suffix in ["", "-journal"] {
                    try FileManager.default.copyItem(atPath: backup + suffix, toPath: copy + suffix)
                }
                return .rollback
            }
        }
        let second = test.folder.path + "/second.db"
        for suffix in ["", "-journal"] {
            try FileManager.default.copyItem(atPath: copy + suffix, toPath: second + suffix)
        }
        #expect(try LedgerCheck.run(at: second).findings == [])
        let ledger = try Ledger.open(at: copy, rootKey: test.rootKey)
        #expect(try ledger.authenticate(test.key.token).tenant == TestLedger.tenant)
        #expect(try await ledger.verifyAudit().isIntact)
    }

    @Test("A closed ledger refuses and does not hang")
    func closed() async throws {
        let test = try await TestLedger()
        await test.ledger.close()
        await #expect(throws: AdmissionFailure.self) { try await test.ledger.admit(test.order()) }
        await #expect(throws: LedgerFailure.self) { try await test.ledger.verifyAudit() }
        await #expect(throws: LedgerFailure.self) { try await test.ledger.checkHealth() }
    }

    @Test("Time goes on from the last commit when the clock was set back, and keeps moving")
    func clockSetBack() async throws {
        let test = try await TestLedger()
        test.clock.advance(by: .seconds(3_600))
        let lease = try await test.ledger.admit(test.order())
        let behind = ManualClock()
        let ledger = try await test.reopened(clock: behind.source)
        #expect(try await ledger.usageReport(of: TestLedger.tenant).at >= lease.admittedAt)
        behind.advance(by: .seconds(5))
        #expect(try await ledger.usageReport(of: TestLedger.tenant).at == lease.admittedAt + .seconds(5))
    }

    @Test("A clock that goes back within a process stands still")
    func clockGoesBack() async throws {
        let test = try await TestLedger()
        let before = try await test.ledger.usageReport(of: TestLedger.tenant).at
        test.clock.advance(by: .seconds(-100))
        #expect(try await test.ledger.usageReport(of: TestLedger.tenant).at == before)
    }
}

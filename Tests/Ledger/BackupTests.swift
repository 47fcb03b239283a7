import Auth
import Foundation
import GRDB
import Quota
import Testing

@testable import Ledger

@Suite(.ofAFile) struct BackupTests {
    @Test("A copy made while others write holds everything up to one commit, alone in its file")
    func beside() async throws {
        let test = try await TestLedger()
        for _ in 0..<300 { _ = try await test.ledger.admit(test.order()) }
        let path = test.folder.path + "/backup.db"
        let backup = try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    while !Task.isCancelled {
                        let lease = try await test.ledger.admit(test.order())
                        _ = try await test.ledger.settle(lease, with: .completed(held: 3))
                    }
                }
            }
            defer { group.cancelAll() }
            return try Ledger.backUp(test.path, to: path)
        }
        #expect(backup.check.findings == [] && backup.check.sequence >= 303)
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(attributes[.size] as? Int64 == backup.bytes)
        #expect(try litter(in: test.folder) == ["backup.db"])
        #expect(try LedgerCheck.run(at: path).hash == backup.check.hash)

        let copy = try Ledger.open(at: path, rootKey: test.rootKey, clock: test.clock.source)
        #expect(try copy.authenticate(test.key.token).tenant == TestLedger.tenant)
        #expect(try await copy.recover().executions.count >= 300)
        #expect(try await copy.verifyAudit().isIntact)
    }

    /// The files that are not the ledger's own.
    private func litter(in folder: TemporaryFolder) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { !$0.hasPrefix("gateway.db") }.sorted()
    }

    @Test("Nothing is overwritten, and nothing left of a copy that failed")
    func refusals() async throws {
        let test = try await TestLedger()
        let path = test.folder.path + "/backup.db"
        #expect(throws: LedgerFailure.exists(path: test.path)) { try Ledger.backUp(test.path, to: test.path) }
        #expect(throws: LedgerFailure.missing(path: "/nowhere.db")) { try Ledger.backUp("/nowhere.db", to: path) }
        #expect(throws: LedgerFailure.self) { try Ledger.backUp(test.path, to: "/nowhere/backup.db") }
        let foreign = test.folder.path + "/foreign.db"
        let other = try DatabaseQueue(path: foreign)
        try await other.write { try $0.execute(sql: "CREATE TABLE tenant (name TEXT)") }
        #expect(throws: LedgerFailure.notALedger(path: foreign)) { try Ledger.backUp(foreign, to: path) }
        #expect(try litter(in: test.folder) == ["foreign.db"])
    }

    @Test("What an interrupted copy left is used up by the next, and two at once are not made")
    func partial() async throws {
        let test = try await TestLedger()
        let path = test.folder.path + "/backup.db"
        for suffix in ["", "-journal", "-wal"] {
            try Data(repeating: 1, count: 50_000).write(to: URL(filePath: path + ".partial" + suffix))
        }
        do {
            let held = try PartialFile(for: path)
            #expect(throws: LedgerFailure.inUse(path: path + ".partial")) { try Ledger.backUp(test.path, to: path) }
            _ = held.path
        }
        #expect(try Ledger.backUp(test.path, to: path).check.isSound)
        #expect(try litter(in: test.folder) == ["backup.db"])
    }
}

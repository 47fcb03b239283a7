import Auth
import Foundation
import GRDB
import Glibc
import Quota
import Synchronization
import Testing

@testable import Ledger

struct RootKeyTests {
    /// A ledger with one of everything that is sealed, and the tokens that must go on working.
    private struct Sealed {
        let test: TestLedger
        let successor: IssuedKey
        let admin: IssuedAdminKey
        let upstreamKey: UpstreamKeyRecord

        init() async throws {
            test = try await TestLedger()
            successor = try await test.ledger.rotateKey(test.key.key.id, overlap: .seconds(600), by: "test")
            admin = try await test.ledger.issueAdminToken(named: "alice", scopes: [.adminRead], by: "test")
            upstreamKey = try await test.ledger.addUpstreamKey(Self.upstreamSecret(), team: "default", by: "test")
        }

        private static func upstreamSecret() throws -> UpstreamKeySecret {
            try #require(UpstreamKeySecret("e2b_0123456789"))
        }

        /// Whether everything that was handed out or made works in this ledger as before.
        func check(_ ledger: Ledger) async throws {
            for token in [test.key.token, successor.token] {
                #expect(try ledger.authenticate(token).tenant == TestLedger.tenant)
            }
            #expect(try ledger.authenticateAdmin(admin.token).name == "alice")
            #expect(ledger.ownKeys == test.ledger.ownKeys)
            #expect(try ledger.upstreamKey(with: Self.upstreamSecret()) == upstreamKey)
            #expect(try await ledger.verifyAudit().isIntact)
        }
    }

    @Test("After a rotation only the new root key opens the ledger, and everything in it is as it was")
    func rotate() async throws {
        let sealed = try await Sealed()
        let (test, new) = (sealed.test, RootKey.random())
        let order = test.order(code: "the same code")
        _ = try await test.ledger.admit(order)
        try await test.ledger.rotateRootKey(to: new, by: "local:root")
        try await sealed.check(test.ledger)
        let issued = try await test.ledger.issueKey(for: TestLedger.tenant, by: "test")
        await test.ledger.close()

        #expect(throws: LedgerFailure.wrongRootKey) { try Ledger.open(in: test.location, rootKey: test.rootKey) }
        let ledger = try Ledger.open(in: test.location, rootKey: new, clock: test.clock.source)
        try await sealed.check(ledger)
        _ = try ledger.authenticate(issued.token)
        // The code's digest is what it was before the rotation.
        _ = try await ledger.admit(test.order(code: "the same code"))
        let digests = try await ledger.auditRecords(AuditQuery(limit: 1_000)).compactMap(\.entry.codeDigest)
        #expect(digests.count == 2 && digests[0] == digests[1])
        let record = try #require(
            try await ledger.auditRecords(AuditQuery(limit: 1_000)).first { $0.entry.action == .rootKeyRotated })
        #expect(record.entry.actor == "local:root")
    }

    @Test("Rotating again and back leaves everything as it was")
    func repeatedly() async throws {
        let sealed = try await Sealed()
        for _ in 0..<5 { try await sealed.test.ledger.rotateRootKey(to: .random(), by: "test") }
        try await sealed.test.ledger.rotateRootKey(to: sealed.test.rootKey, by: "test")
        try await sealed.check(try await sealed.test.reopened())
    }

    @Test("Keys issued while the root key is rotated are sealed under the one that is in force")
    func concurrently() async throws {
        let sealed = try await Sealed()
        let ledger = sealed.test.ledger
        let last = RootKey.random()
        let issued = try await withThrowingTaskGroup(of: [Token].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var tokens: [Token] = []
                    for _ in 0..<15 {
                        tokens.append(try await ledger.issueKey(for: TestLedger.tenant, by: "test").token)
                        _ = try ledger.authenticate(tokens[tokens.count - 1])
                    }
                    return tokens
                }
            }
            for _ in 0..<5 { try await ledger.rotateRootKey(to: .random(), by: "test") }
            try await ledger.rotateRootKey(to: last, by: "test")
            return try await group.reduce(into: []) { $0 += $1 }
        }
        await ledger.close()
        let reopened = try Ledger.open(in: sealed.test.location, rootKey: last, clock: sealed.test.clock.source)
        #expect(issued.count == 60)
        for token in issued { _ = try reopened.authenticate(token) }
        try await sealed.check(reopened)
    }

    @Test("A rotation that cannot be written leaves everything under the old root key")
    func unavailable() async throws {
        let sealed = try await Sealed()
        let test = sealed.test
        // A row that cannot be opened: the rotation must not get by it.
        try test.ledger.tamper(
            "INSERT INTO own_key (name, sealed) VALUES ('damaged', \(TestLedger.dialect.zeros(64)))")
        await #expect(throws: LedgerFailure.self) { try await test.ledger.rotateRootKey(to: .random(), by: "test") }
        #expect(try await test.audit(.rootKeyRotated).isEmpty)
        let issued = try await test.ledger.issueKey(for: TestLedger.tenant, by: "test")
        let ledger = try await test.reopened()
        _ = try ledger.authenticate(issued.token)
        try await sealed.check(ledger)
    }

    /// How often a rotation of such a ledger can be interrupted: at its begin, after each of eleven rows, before the commit,
    /// after it, and at the end.
    private static let interruptions = 15

    @Test("The files as they are at any step open with the one root key or the other, whole", .ofAFile)
    func interrupted() async throws {
        let sealed = try await Sealed()
        let (test, new) = (sealed.test, RootKey.random())
        let copies = Copies()
        try await test.ledger.rotateRootKey(to: new, by: "test") { _ in copies.take(of: test) }
        #expect(copies.all.count == Self.interruptions)
        for (step, copy) in copies.all.enumerated() {
            try await check(.file(path: copy.path), of: sealed, rotatedTo: new, interruptedAt: step)
        }
    }

    /// Whether a ledger whose rotation was interrupted is whole, under the root key it should be under by then.
    private func check(
        _ location: LedgerLocation, of sealed: Sealed, rotatedTo new: RootKey, interruptedAt step: Int
    ) async throws {
        let isCommitted = step >= Self.interruptions - 2
        let (old, clock) = (sealed.test.rootKey, sealed.test.clock)
        if case .file(let path) = location {
            #expect(try Ledger.fits(rootKey: old, at: path) == !isCommitted, "step \(step)")
            #expect(try Ledger.fits(rootKey: new, at: path) == isCommitted, "step \(step)")
        }
        let ledger = try Ledger.open(in: location, rootKey: isCommitted ? new : old, clock: clock.source)
        try await sealed.check(ledger)
        let rotations = try await ledger.auditRecords(AuditQuery(limit: 1_000))
            .filter { $0.entry.action == .rootKeyRotated }
        #expect(rotations.count == (isCommitted ? 1 : 0))
        // And it can be done again.
        let third = RootKey.random()
        try await ledger.rotateRootKey(to: third, by: "test")
        await ledger.close()
        try await sealed.check(Ledger.open(in: location, rootKey: third, clock: clock.source))
    }

    // Values reach the process that is killed by a capture list, which Swift Testing has from 6.3 on.
    #if compiler(>=6.3)
        @Test("Killed at any step it is no different", arguments: 0..<interruptions)
        func killed(step: Int) async throws {
            let sealed = try await Sealed()
            let (test, new) = (sealed.test, RootKey.random())
            await test.ledger.close()
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [
                    address = test.address as String, old = test.rootKey.exported() as String,
                    new = new.exported() as String, step
                ]
                in
                let ledger = try Ledger.open(
                    in: TestLedger.location(address), rootKey: RootKey(text: old), clock: ManualClock().source)
                let steps = Tally()
                try await ledger.rotateRootKey(to: RootKey(text: new), by: "test") { _ in
                    if steps.count == step { kill(getpid(), SIGKILL) }
                    steps.add()
                }
                // Not reached: a step was asked for that a rotation does not have.
            }
            try await check(test.location, of: sealed, rotatedTo: new, interruptedAt: step)
        }
    #endif

    @Test("Nothing that was sealed under the old root key is left in the files", .ofAFile)
    func overwritten() async throws {
        let sealed = try await Sealed()
        let test = sealed.test
        let before = try await sealedValues(test.ledger)
        #expect(before.count == 11)
        try await test.ledger.rotateRootKey(to: .random(), by: "test")
        let after = try await sealedValues(test.ledger)
        let stored = ["", "-wal"].reduce(into: Data()) { all, suffix in
            all += (try? Data(contentsOf: URL(filePath: test.path + suffix))) ?? Data()
        }
        for value in before { #expect(stored.firstRange(of: value) == nil) }
        for value in after { #expect(stored.firstRange(of: value) != nil) }
    }

    private func sealedValues(_ ledger: Ledger) async throws -> [[UInt8]] {
        try await ledger.read { database in
            try SealedColumn.all.flatMap { try database.values([UInt8].self, "SELECT \($0.column) FROM \($0.table)") }
        }
    }

    /// But for recorded code and kept replies, of which there may be much: they are sealed under keys of the ledger's own, which
    /// take part.
    @Test("Every column of the schema that holds something sealed takes part")
    func everyColumn() async throws {
        let all =
            switch TestLedger.dialect {
            case .sqlite:
                """
                SELECT tables.name AS of_table, columns.name FROM sqlite_master AS tables,
                    pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'
                """
            case .postgreSQL:
                """
                SELECT table_name AS of_table, column_name AS name FROM information_schema.columns
                WHERE table_schema = current_schema()
                """
            }
        let columns = try await TestLedger().ledger.read { database in
            try database.values(
                String.self,
                """
                SELECT of_table || '.' || name FROM (\(all)) AS columns
                WHERE name LIKE '%sealed%' AND of_table NOT IN ('recorded_code', 'execution_reply')
                """)
        }
        #expect(columns.sorted() == SealedColumn.all.map { "\($0.table).\($0.column)" }.sorted())
    }

    @Test("Whether a root key fits can be asked of a file that is open, and changes nothing; of nothing else", .ofAFile)
    func fits() async throws {
        let test = try await TestLedger()
        let before = try Data(contentsOf: URL(filePath: test.path))
        #expect(try Ledger.fits(rootKey: test.rootKey, at: test.path))
        #expect(try !Ledger.fits(rootKey: .random(), at: test.path))
        #expect(try Data(contentsOf: URL(filePath: test.path)) == before)
        _ = try test.ledger.authenticate(test.key.token)
        let nowhere = test.folder.path + "/nothing"
        #expect(throws: LedgerFailure.missing(path: nowhere)) { try Ledger.fits(rootKey: .random(), at: nowhere) }
        let other = test.folder.path + "/other"
        try Data(repeating: 1, count: 4_096).write(to: URL(filePath: other))
        #expect(throws: LedgerFailure.notALedger(path: other)) { try Ledger.fits(rootKey: .random(), at: other) }
    }
}

/// Copies of a ledger's files, taken while it is at work.
private final class Copies: Sendable {
    private let copies = Mutex<[KilledCopy]>([])

    var all: [KilledCopy] { copies.withLock { $0 } }

    func take(of test: TestLedger) {
        guard let copy = try? KilledCopy(of: test) else { return }
        copies.withLock { $0.append(copy) }
    }
}

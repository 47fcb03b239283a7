import Auth
import Foundation
import Quota
import TestSupport
import Testing

@testable import Ledger

/// A ledger moves from a file to PostgreSQL, and is the same there.
@Suite(.onAServer) struct LedgerMoveTests {
    /// All rows of all tables that move, each as text.
    private func rows(_ database: any SQLConnection) throws -> [String: [String]] {
        try MovedTable.all.reduce(into: [:]) { all, table in
            let columns = table.columns.map { $0.kind == .text ? database.dialect.bytes(of: $0.name) : $0.name }
            let filter = table.condition.map { " WHERE \($0)" } ?? ""
            let rows = try database.rows("SELECT \(columns.joined(separator: ", ")) FROM \(table.name)\(filter)")
            all[table.name] = rows.map { "\($0.values)" }.sorted()
        }
    }

    @Test("Every row of every table is there, none of them another, and one record more")
    func rows() async throws {
        let moving = try await MovingLedger()
        let before = try LedgerStore.look(at: moving.test.path, for: rows)
        #expect(before.filter { $0.value.isEmpty }.keys.sorted() == [], "a table that is empty proves nothing")
        let check = try LedgerCheck.run(at: moving.test.path)

        let move = try moving.move()
        let moved = try move.perform(by: "test")
        move.release()
        #expect(moved.rows == Int64(before.values.map(\.count).reduce(0, +)))
        #expect(moved.sequence == check.sequence && moved.hash == check.hash)
        var after = try moving.ask(rows)
        // They have gone on by the record of the move.
        #expect(after["audit"]?.count == (before["audit"]?.count ?? 0) + 1)
        #expect(Set(after["audit"] ?? []).isSuperset(of: before["audit"] ?? []))
        for table in ["audit", "chain"] { after[table] = before[table] }
        for (table, rows) in before { #expect(after[table] == rows, "\(table)") }
    }

    @Test("It says where it comes from, is sound before any gateway opens it, and its chain holds")
    func record() async throws {
        let moving = try await MovingLedger()
        let file = try LedgerCheck.run(at: moving.test.path)
        let moved = try moving.move().perform(by: "test")
        let check = try await LedgerCheck.run(in: moving.target)
        #expect(check.isSound, "\(check.findings)")
        #expect(check.sequence == file.sequence + 1 && moved.check?.hash == check.hash)

        let ledger = try moving.opened()
        let record = try #require(try await ledger.auditRecords(AuditQuery(after: file.sequence)).first)
        #expect(record.entry.action == .ledgerMoved && record.entry.actor == "test")
        #expect(
            record.entry.afterDocument
                == #"{"file":"gateway.db","hash":"\#(file.hash)","sequence":\#(file.sequence)}"#)
        let verification = try await ledger.verifyAudit()
        #expect(verification.isIntact && verification.checkpoints == 1)
        await ledger.close()
    }

    @Test("Gateways go on: keys open, limits count, what ran is settled, numbers follow")
    func goingOn() async throws {
        let moving = try await MovingLedger()
        let test = moving.test
        _ = try moving.move().perform(by: "test")
        let ledger = try moving.opened()
        #expect(ledger.installation == test.ledger.installation && ledger.ownKeys == test.ledger.ownKeys)
        #expect(ledger.epoch == test.ledger.epoch + 1)
        #expect(try ledger.authenticate(test.key.token).tenant == TestLedger.tenant)
        #expect(ledger.checkpointKey == test.ledger.checkpointKey)
        let request = RequestKey("moved")
        _ = try await ledger.issueKey(for: "sleepy", by: "local:ann", under: request)
        #expect(request.isRepetition, "who repeats a request finds what it made")
        #expect(try await test.reply(under: "k", in: ledger) == .kept(Array("output".utf8)))
        #expect(
            try await ledger.recordedCode(of: moving.replied.executionID.text, by: "test").code
                == Array("print(1)".utf8))
        #expect(ledger.token(.envd, of: moving.sandbox) == test.ledger.token(.envd, of: moving.sandbox))
        #expect(ledger.runningSandbox("i1")?.access == .example)
        #expect(try await ledger.dueNotifications().count == 1)
        await #expect(throws: NonceFailure.replayed) {
            try await ledger.acceptNonce(
                PresentedNonce("n", until: test.clock.now + .seconds(60)), of: test.key.key.id, notAfter: nil)
        }

        #expect(try await ledger.recover().executions == [moving.running.executionID.text])
        #expect(try await ledger.usageReport(of: TestLedger.tenant).usage.executions == 0)
        try await ledger.endSandbox(moving.sandbox.handle, for: nil, because: "killed")
        let sleepier = try await ledger.tenant("sleepier")
        #expect(sleepier.handle == "sleepy" && sleepier.suspension?.reason == "asleep")
        #expect(ledger.tenantName("gone") == "gone")
        await #expect(throws: LedgerFailure.noSuchTenant("gone")) { try await ledger.tenant("gone") }
        #expect(ledger.pause?.reason == "moving")
        try await ledger.resumeWork(by: "test")
        // Of each table that counts by itself.
        _ = try await ledger.createTenant("later", by: "test")
        let lease = try await test.lease(under: "l", in: ledger)
        _ = try await ledger.settle(lease, with: .completed(held: 5), leaving: .reply([1]))
        let sandbox = try await test.sandbox(400, id: "i2", in: ledger)
        try await ledger.endSandbox(sandbox.handle, for: nil, because: "killed")
        try await ledger.makeCheckpoint()
        #expect(try await ledger.verifyAudit().checkpoints == 2)
        await ledger.close()
        let findings = try await LedgerCheck.run(in: moving.target).findings
        #expect(findings == [])
    }

    @Test("Its file stands aside, says where it went, and serves again when it is renamed back")
    func file() async throws {
        let moving = try await MovingLedger()
        let path = moving.test.path
        #expect(LedgerMove.destination(from: path) == nil)
        let moved = try moving.move().perform(by: "test")
        #expect(moved.keptAt == path + ".moved")
        #expect(throws: LedgerFailure.missing(path: path)) { try moving.openedFile() }
        #expect(LedgerMove.destination(from: path) == moving.target.description)
        let names = try FileManager.default.contentsOfDirectory(atPath: moving.test.folder.path).sorted()
        #expect(
            names == ["gateway.db.lock", "gateway.db.moved", "gateway.db.moved-to"], "no journal is left beside it")
        for name in names {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(moving.test.folder.path)/\(name)")
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
        }
        #expect(try LedgerCheck.run(at: moved.keptAt).isSound)

        try FileManager.default.moveItem(atPath: moved.keptAt, toPath: path)
        #expect(LedgerMove.destination(from: path) == nil)
        await (try moving.openedFile()).close()
    }

    @Test("While it moves nobody else has it, and it is nobody's whom the root key does not fit")
    func held() async throws {
        let moving = try await MovingLedger()
        let path = moving.test.path
        let move = try moving.move()
        #expect(throws: LedgerFailure.inUse(path: path)) { try moving.openedFile() }
        move.release()
        let ledger = try moving.openedFile()
        #expect(failure { _ = try moving.move() } == "inUse")
        await ledger.close()
        #expect(
            failure { _ = try LedgerMove(of: path, to: moving.server, rootKey: .random()) } == "wrongRootKey")
        #expect(failure { _ = try LedgerMove(of: path + "x", to: moving.server, rootKey: .random()) } == "missing")
        try Data("something else".utf8).write(to: URL(filePath: path + "y"))
        #expect(
            failure { _ = try LedgerMove(of: path + "y", to: moving.server, rootKey: .random()) } == "notALedger")
        #expect(try !moving.hasArrived)
    }

    @Test("It does not go where another ledger is")
    func occupied() async throws {
        let moving = try await MovingLedger()
        await (try Ledger.create(in: moving.target, rootKey: .random())).close()
        #expect(failure { _ = try moving.move().perform(by: "test") } == "occupied")
        await (try moving.openedFile()).close()
    }

    @Test(
        "What PostgreSQL cannot hold is named, and nothing has changed",
        arguments: [("x'610062'", "holds the character NUL"), ("x'61ff'", "is no text in UTF-8")])
    func unmovable(bytes: String, problem: String) async throws {
        let moving = try await MovingLedger()
        let ledger = try moving.openedFile()
        try ledger.tamper(
            "UPDATE execution SET exception = CAST(\(bytes) AS TEXT) WHERE id = '\(moving.replied.executionID.text)'")
        await ledger.close()
        let rowid = try LedgerStore.look(at: moving.test.path) { database in
            try database.value(
                Int64.self, "SELECT rowid FROM execution WHERE id = ?", [moving.replied.executionID.text])
        }
        do {
            _ = try moving.move().perform(by: "test")
            Issue.record("it moved")
        } catch LedgerMoveFailure.unmovable(let row, let said) {
            #expect(row == "execution/\(rowid ?? 0)" && said == "its exception \(problem)")
        }
        #expect(try !moving.hasArrived)
        await (try moving.openedFile()).close()
    }

    @Test("What is not sound does not move")
    func unsound() async throws {
        let moving = try await MovingLedger()
        let ledger = try moving.openedFile()
        try ledger.tamper("UPDATE execution SET charged = charged - 1 WHERE id = '\(moving.replied.executionID.text)'")
        await ledger.close()
        do {
            _ = try moving.move().perform(by: "test")
            Issue.record("it moved")
        } catch LedgerMoveFailure.unsound(let check) {
            #expect(check.findings.contains { $0.invariant == "outcomes" })
        }
        #expect(try !moving.hasArrived)
        await (try moving.openedFile()).close()
    }

    @Test("Rows beyond one statement, and rows too large to travel together, arrive whole")
    func many() async throws {
        let moving = try await MovingLedger()
        let ledger = try moving.openedFile()
        try ledger.tamper(
            """
            WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 1234)
            INSERT INTO nonce (key, digest, expires_at, until) SELECT 'k', CAST(n AS BLOB), n, 1 FROM counted
            """)
        for number in 0..<3 {
            try ledger.tamper(
                """
                INSERT INTO notification (id, tenant, document, created_at, due_at, attempts) VALUES (?, 'acme', ?, 1, 1, 0)
                """, ["ntf_\(number)", String(repeating: "é", count: 700_000)])
        }
        await ledger.close()
        let before = try LedgerStore.look(at: moving.test.path, for: rows)
        _ = try moving.move().perform(by: "test")
        let after = try moving.ask(rows)
        for table in ["nonce", "notification"] { #expect(after[table] == before[table], "\(table)") }
    }

    /// The case of what a move, or its beginning, fails with.
    private func failure(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch LedgerMoveFailure.ledger(let failure) {
            return "\(failure)".prefix { $0 != "(" }.description
        } catch {
            return "\(error)".prefix { $0 != "(" }.description
        }
    }
}

import Auth
import Foundation
import GRDB
import Quota
import Testing

@testable import Ledger

@Suite(.ofAFile) struct MigrationTests {
    /// A ledger as the first version made it: one tenant, one key, its own first keys.
    private func firstVersion(at path: String, rootKey: RootKey) throws -> Token {
        let sealer = Sealer(rootKey)
        let (id, secret) = (KeyID.random(), KeySecret.random())
        let pool = try DatabasePool(path: path)
        try Schema.migrator.migrate(pool, upTo: "1 first ledger")
        try pool.write { database in
            try OwnKeys.create(in: SQLiteConnection(database), sealer: sealer)
            try AuditChain.store(AuditHead.start, at: Moment(seconds: 1), in: SQLiteConnection(database))
            try database.execute(
                sql: "INSERT INTO tenant (id, name, created_at, policy) VALUES (1, 'acme', 1, ?)",
                arguments: [try Document.text(Policy.standard)])
            try database.execute(
                sql: """
                    INSERT INTO key (id, tenant, sealed_secret, created_at, last_used_at) VALUES (?, 1, ?, 5, 7)
                    """,
                arguments: ["\(id)", Data(try sealer.seal(secret.exported(), as: "key/\(id)"))])
        }
        try pool.close()
        return Token.mint(id, secret: secret)
    }

    @Test("A ledger of the first version goes on: its keys work, it gets keys of its own, once")
    func firstVersion() async throws {
        let folder = try TemporaryFolder()
        let (path, rootKey) = (folder.path + "/gateway.db", RootKey.random())
        let token = try firstVersion(at: path, rootKey: rootKey)
        #expect(throws: LedgerFailure.wrongRootKey) { try Ledger.open(at: path, rootKey: .random()) }

        let ledger = try Ledger.open(at: path, rootKey: rootKey)
        let key = try #require(try await ledger.keys().first)
        #expect(key.state == .active && key.lastUsedAt == Moment(nanoseconds: 7) && key.usesToday == 0)
        #expect(try ledger.authenticate(token).tenant == "acme")
        let own = ledger.ownKeys
        #expect(Set([own.codeDigest, own.checkpoint, own.sandboxToken]).count == 3)
        #expect([own.codeDigest, own.checkpoint, own.sandboxToken].allSatisfy { $0.count == 32 })
        _ = try await ledger.rotateKey(token.keyID, overlap: .seconds(1), by: "test")
        await ledger.close()
        #expect(try Ledger.open(at: path, rootKey: rootKey).ownKeys == own)
    }

    @Test("A ledger that lost a key of its own says so, and makes no other in its place")
    func lostKey() async throws {
        let test = try await TestLedger()
        try test.ledger.tamper("DELETE FROM own_key WHERE name = 'sandbox-token'")
        await test.ledger.close()
        #expect(throws: LedgerFailure.unavailable("the ledger lacks its key sandbox-token")) {
            try Ledger.open(in: test.location, rootKey: test.rootKey)
        }
    }

    /// A ledger as the second version left it: executions of two days, keys and subjects, one of them still running.
    private func secondVersion(at path: String, rootKey: RootKey) throws {
        let pool = try DatabasePool(path: path)
        try Schema.migrator.migrate(pool, upTo: "2 credentials")
        try pool.write { database in
            try OwnKeys.create(in: SQLiteConnection(database), sealer: Sealer(rootKey))
            try AuditChain.store(AuditHead.start, at: Moment(seconds: 1), in: SQLiteConnection(database))
            try database.execute(
                sql: "INSERT INTO tenant (id, name, created_at, policy) VALUES (1, 'acme', 1, ?), (2, 'other', 1, ?)",
                arguments: [try Document.text(Policy.standard), try Document.text(Policy.standard)])
            try database.execute(
                sql: "INSERT INTO usage (tenant, usage) VALUES (1, ?)",
                arguments: [
                    """
                    {"executions":1,"sandboxes":0,"windows":[{"reservedMilliseconds":500,"startsAt":\
                    {"nanoseconds":1800000000000000000},"usedMilliseconds":0,"window":"hour"}]}
                    """
                ])
            let day: Int64 = 86_400_000_000_000
            let rows: [(tenant: Int, key: String, subject: String?, day: Int64, charged: Int64?, overrun: Int64?)] = [
                (1, "k1", "ann", 20_000, 10, 1), (1, "k1", "ann", 20_000, 20, 0), (1, "k1", nil, 20_000, 40, 2),
                (1, "k2", "ann", 20_001, 80, 0), (1, "k2", "bob", 20_001, nil, nil), (2, "k3", nil, 20_001, 160, 4),
            ]
            for (number, row) in rows.enumerated() {
                try database.execute(
                    sql: """
                        INSERT INTO execution (
                            id, tenant, key, subject, request_id, source_address, template, language, code_digest,
                            code_bytes, context_bytes, timeout_asked, timeout_granted, admitted_at, finished_at, outcome,
                            charged, overrun, output_bytes
                        ) VALUES (?1, ?2, ?3, ?4, 'r', 's', 't', 'python', 'd', 1, 0, 500, 500, ?5, ?6, ?7, ?8, ?9, ?10)
                        """,
                    arguments: [
                        "exe_\(number)", row.tenant, row.key, row.subject, row.day * day + day - 1,
                        // Ended on the day after: it counts for the day of its admission.
                        row.charged.map { _ in (row.day + 1) * day }, row.charged.map { _ in "completed" }, row.charged,
                        row.overrun, row.charged.map { _ in 3 },
                    ])
            }
            try database.execute(
                sql: """
                    INSERT INTO lease (execution, tenant, epoch, grant_document) VALUES ('exe_4', 1, 0, ?)
                    """,
                arguments: [
                    """
                    {"kind":"execution","reservations":[{"milliseconds":500,"startsAt":\
                    {"nanoseconds":1800000000000000000},"window":"hour"}],"timeoutMilliseconds":500,"wasLowered":false}
                    """
                ])
        }
        try pool.close()
    }

    @Test("A ledger of the second version knows afterwards what its executions came to, and settles what it left")
    func secondVersion() async throws {
        let folder = try TemporaryFolder()
        let (path, rootKey) = (folder.path + "/gateway.db", RootKey.random())
        try secondVersion(at: path, rootKey: rootKey)
        let ledger = try Ledger.open(at: path, rootKey: rootKey, clock: ManualClock().source)
        #expect(
            try await sums(ledger, .key) == [
                "acme k1 20000: 3 70 3 9", "acme k2 20001: 1 80 0 3", "other k3 20001: 1 160 4 3",
            ])
        #expect(
            try await sums(ledger, .subject) == [
                "acme  20000: 1 40 2 3", "acme ann 20000: 2 30 1 6", "acme ann 20001: 1 80 0 3",
                "other  20001: 1 160 4 3",
            ])
        #expect(ledger.waitingNotifications == 0)

        #expect(try await ledger.recover().executions == ["exe_4"])
        #expect(
            try await sums(ledger, .key) == [
                "acme k1 20000: 3 70 3 9", "acme k2 20001: 2 580 0 3", "other k3 20001: 1 160 4 3",
            ])
        #expect(try await sums(ledger, .subject).contains("acme bob 20001: 1 500 0 0"))
        #expect(try await ledger.usageReport(of: "acme").usage.executions == 0)
        let old = try #require(try await ledger.execution("exe_0", of: "acme"))
        #expect(old.runtimeMilliseconds == 10 && old.state == .finished)
        #expect(try await ledger.forgetOldExecutions() == 5, "what it left was settled just now and stays")
        await ledger.close()
    }

    @Test("A ledger from before upstream keys has none afterwards, and gets a name for upstream that it keeps")
    func beforeUpstreamKeys() async throws {
        let folder = try TemporaryFolder()
        let (path, rootKey) = (folder.path + "/gateway.db", RootKey.random())
        let pool = try DatabasePool(path: path)
        try Schema.migrator.migrate(pool, upTo: "6 sandboxes")
        try await pool.write { database in
            try OwnKeys.create(in: SQLiteConnection(database), sealer: Sealer(rootKey))
            try AuditChain.store(AuditHead.start, at: Moment(seconds: 1), in: SQLiteConnection(database))
        }
        try pool.close()
        let ledger = try Ledger.open(at: path, rootKey: rootKey)
        let installation = ledger.installation
        #expect(Hex.bytes(installation)?.count == 8)
        #expect(ledger.upstreamKeys().isEmpty)
        let key = try await ledger.addUpstreamKey(#require(UpstreamKeySecret("e2b_00")), team: "default", by: "test")
        await ledger.close()
        let reopened = try Ledger.open(at: path, rootKey: rootKey)
        #expect(reopened.installation == installation && reopened.upstreamKeys() == [key])
    }

    @Test("A tenant that was shut out before reasons were kept is suspended, and its name is its handle")
    func beforeSuspensions() async throws {
        let folder = try TemporaryFolder()
        let (path, rootKey) = (folder.path + "/gateway.db", RootKey.random())
        let pool = try DatabasePool(path: path)
        try Schema.migrator.migrate(pool, upTo: "9 nonces counted by key")
        try await pool.write { database in
            try OwnKeys.create(in: SQLiteConnection(database), sealer: Sealer(rootKey))
            try AuditChain.store(AuditHead.start, at: Moment(seconds: 1), in: SQLiteConnection(database))
            try database.execute(
                sql: """
                    INSERT INTO tenant (id, name, created_at, disabled_at, policy) VALUES (1, 'acme', 1, 7, ?1), (2, 'beta', 1, NULL, ?1)
                    """,
                arguments: [try Document.text(Policy.standard)])
        }
        try pool.close()
        let ledger = try Ledger.open(at: path, rootKey: rootKey)
        let tenants = try await ledger.tenants()
        #expect(tenants.map(\.name) == ["acme", "beta"] && tenants.map(\.handle) == ["acme", "beta"])
        let since = Suspension(since: Moment(nanoseconds: 7), by: nil, reason: nil)
        #expect(tenants.map(\.suspension) == [since, nil])
        #expect(ledger.pause == nil)
        try await ledger.resumeTenant("acme", by: "test")
        #expect(try await ledger.tenant("acme").isSuspended == false)
        await ledger.close()
        #expect(try LedgerCheck.run(at: path).findings == [])
    }

    private func sums(_ ledger: Ledger, _ grouping: ConsumptionGrouping) async throws -> [String] {
        let days = Moment(seconds: 0)...Moment(seconds: 2_000_000_000)
        return try await ledger.consumption(ConsumptionQuery(grouping: grouping, isDaily: true, days: days))
            .map { row in
                let sum = row.consumption
                let day = (row.day?.seconds ?? 0) / 86_400
                return "\(row.tenant) \(row.name ?? "-") \(day): \(sum.executions) \(sum.chargedMilliseconds) "
                    + "\(sum.overrunMilliseconds) \(sum.outputBytes)"
            }.sorted()
    }
}

import Auth
import Foundation
import GRDB
import Quota
import Testing

@testable import Ledger

struct MigrationTests {
    /// A ledger as the first version made it: one tenant, one key, its own first keys.
    private func firstVersion(at path: String, rootKey: RootKey) throws -> Token {
        let sealer = Sealer(rootKey)
        let (id, secret) = (KeyID.random(), KeySecret.random())
        let pool = try DatabasePool(path: path)
        try Schema.migrator.migrate(pool, upTo: "1 first ledger")
        try pool.write { database in
            try OwnKeys.create(in: database, sealer: sealer)
            try AuditChain.store(AuditHead.start, at: Moment(seconds: 1), in: database)
            try database.execute(
                sql: "INSERT INTO tenant (id, name, created_at, policy) VALUES (1, 'acme', 1, ?)",
                arguments: [try Document.text(Policy.standard)])
            try database.execute(
                sql: """
                    INSERT INTO key (id, tenant, sealed_secret, created_at, last_used_at) VALUES (?, 1, ?, 5, 7)
                    """,
                arguments: ["\(id)", Blob.value(try sealer.seal(secret.exported(), as: "key/\(id)"))])
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
        try await test.ledger.pool.write { try $0.execute(sql: "DELETE FROM own_key WHERE name = 'sandbox-token'") }
        await test.ledger.close()
        #expect(throws: LedgerFailure.unavailable("the ledger lacks its key sandbox-token")) {
            try Ledger.open(at: test.path, rootKey: test.rootKey)
        }
    }
}

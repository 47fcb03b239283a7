import Auth
import Foundation
import Quota
import Testing

@testable import Ledger

struct SecretsTests {
    @Test("No key, tag, root key, code or context is stored, sealed keys are")
    func atRest() async throws {
        let test = try await TestLedger()
        let code = "print('marker-\(UUID().uuidString)')"
        let context = "marker-\(UUID().uuidString)"
        let lease = try await test.ledger.admit(test.order(code: code, context: context))
        _ = try await test.ledger.settle(lease, with: .completed(held: 1))
        let admin = try await test.ledger.issueAdminToken(named: "alice", scopes: [.adminRead], by: "test")
        let successor = try await test.ledger.rotateKey(test.key.key.id, overlap: .seconds(60), by: "test")
        let stored = try await test.stored()
        #expect(stored.firstRange(of: Data("\(test.key.key.id)".utf8)) != nil)

        // The token's tag is HMAC(secret, …): the secret itself is only reachable through the seal.
        let secret = try await test.ledger.read {
            [sealer = test.ledger.books.withLock { $0.sealer }, id = test.key.key.id] database in
            let sealed = try database.value([UInt8].self, "SELECT sealed_secret FROM key WHERE id = ?", ["\(id)"])
            return try sealer.open(sealed ?? [], as: "key/\(id)")
        }
        #expect(secret.count == 32)
        let tag = String(test.key.token.text.suffix(64))
        let root = test.rootKey.exported()
        let own = test.ledger.ownKeys
        let tags = [admin.token, successor.token].map { String($0.text.suffix(64)) }
        let keys = [secret, own.codeDigest, own.checkpoint, own.sandboxToken].map { Hex.text($0) }
        for text in [tag, root, code, context] + tags + keys {
            #expect(stored.firstRange(of: Data(text.utf8)) == nil)
            if let bytes = Hex.bytes(text) { #expect(stored.firstRange(of: Data(bytes)) == nil) }
        }
    }

    @Test("A sealed secret moved to another key's row does not open")
    func movedSecret() async throws {
        let test = try await TestLedger()
        let other = try await test.ledger.issueKey(for: TestLedger.tenant, by: "test")
        try test.ledger.tamper(
            "UPDATE key SET sealed_secret = (SELECT sealed_secret FROM key WHERE id = ?) WHERE id = ?",
            ["\(other.key.id)", "\(test.key.key.id)"])
        await test.ledger.close()
        #expect(throws: LedgerFailure.self) { try Ledger.open(in: test.location, rootKey: test.rootKey) }
    }
}

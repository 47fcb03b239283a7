import Auth
import Ledger
import Quota
import Testing

struct AdminTests {
    @Test("An admin token says who calls and what for, narrowed or not, signed or not")
    func authenticate() async throws {
        let test = try await TestLedger()
        let admin = try await test.ledger.issueAdminToken(
            named: "alice", scopes: [.adminRead, .adminKeys], by: "local:root")
        #expect(admin.key.name == "alice" && admin.key.state == .active && admin.key.createdAt == test.clock.now)
        let principal = try test.ledger.authenticateAdmin(Token(parsing: admin.token.text))
        #expect(principal.name == "alice" && principal.keyID == admin.key.id)
        #expect(principal.scopes == [.adminRead, .adminKeys])

        let narrowed = try admin.token.narrowed(by: .scopes([.adminKeys, .execute])).narrowed(by: .signedOnly)
        let narrow = try test.ledger.authenticateAdmin(narrowed)
        #expect(narrow.scopes == [.adminKeys] && narrow.claims.isSignedOnly)
        let call = try SignedCall(token: narrowed, created: test.clock.now.seconds, nonce: "n")
        #expect(try test.ledger.authenticateAdmin(call.signature, of: call.request) == narrow)
    }

    @Test("A tenant's token is never an administrator's, nor the reverse, bearer or signed")
    func apart() async throws {
        let test = try await TestLedger()
        let ledger = test.ledger
        let admin = try await ledger.issueAdminToken(named: "alice", scopes: Scope.adminScopes, by: "test")
        #expect(throws: AuthenticationFailure.unknownKey) { try ledger.authenticateAdmin(test.key.token) }
        #expect(throws: AuthenticationFailure.unknownKey) { try ledger.authenticate(admin.token) }
        let (now, tenant) = (test.clock.now.seconds, test.key.token)
        let asAdmin = try SignedCall(token: tenant, created: now, nonce: "n")
        let asTenant = try SignedCall(token: admin.token, created: now, nonce: "n")
        #expect(throws: AuthenticationFailure.unknownKey) {
            try ledger.authenticateAdmin(asAdmin.signature, of: asAdmin.request)
        }
        #expect(throws: AuthenticationFailure.unknownKey) {
            try ledger.authenticate(asTenant.signature, of: asTenant.request)
        }
        // Nor is one revoked, rotated or used by way of the other.
        let failure = LedgerFailure.noSuchKey("\(admin.key.id)")
        await #expect(throws: failure) { try await ledger.revokeKey(admin.key.id, by: "test") }
        await #expect(throws: failure) { try await ledger.rotateKey(admin.key.id, overlap: .zero, by: "test") }
        await #expect(throws: LedgerFailure.noSuchKey("\(test.key.key.id)")) {
            try await ledger.revokeAdminKey(test.key.key.id, by: "test")
        }
        var order = test.order()
        order.keyID = admin.key.id
        await #expect(throws: AdmissionFailure.keyRevoked) { try await ledger.admit(order) }
        #expect(try await ledger.keys().map(\.id) == [test.key.key.id])
        #expect(try ledger.authenticate(tenant).claims.scopes == Scope.tenantScopes)
    }

    @Test("A revoked admin token is out at once and stays out; forged, expired and unknown ones are told apart inside")
    func revoke() async throws {
        let test = try await TestLedger()
        let admin = try await test.ledger.issueAdminToken(named: "alice", scopes: [.adminRead], by: "test")
        let expired = try admin.token.narrowed(by: .notAfter(0))
        #expect(throws: AuthenticationFailure.refused(.expired)) { try test.ledger.authenticateAdmin(expired) }
        let forged = try Token(parsing: admin.token.text.dropLast() + (admin.token.text.hasSuffix("0") ? "1" : "0"))
        #expect(throws: AuthenticationFailure.refused(.forged)) { try test.ledger.authenticateAdmin(forged) }
        test.clock.advance(by: .seconds(3))
        let revoked = try await test.ledger.revokeAdminKey(admin.key.id, by: "local:root")
        #expect(revoked.state == .revoked && revoked.revokedAt == test.clock.now)
        #expect(throws: AuthenticationFailure.revokedKey) { try test.ledger.authenticateAdmin(admin.token) }
        test.clock.advance(by: .seconds(3))
        #expect(try await test.ledger.revokeAdminKey(admin.key.id, by: "test").revokedAt == revoked.revokedAt)
        #expect(try await test.audit(.adminTokenRevoked).count == 1)
        let ledger = try await test.reopened()
        #expect(throws: AuthenticationFailure.revokedKey) { try ledger.authenticateAdmin(admin.token) }
    }

    @Test("Admin tokens survive a restart, are listed with their last use, and are on record without their secret")
    func listed() async throws {
        let test = try await TestLedger()
        let alice = try await test.ledger.issueAdminToken(named: "alice", scopes: [.adminRead], by: "local:root")
        test.clock.advance(by: .seconds(1))
        let bob = try await test.ledger.issueAdminToken(named: "bob", scopes: Scope.adminScopes, by: "local:root")
        _ = try await test.ledger.issueAdminToken(named: "bob", scopes: [.adminAudit], by: "local:root")
        _ = try test.ledger.authenticateAdmin(bob.token)
        let used = test.clock.now
        let ledger = try await test.reopened()
        let keys = try await ledger.adminKeys()
        #expect(keys.map(\.name) == ["alice", "bob", "bob"] && keys[0].id == alice.key.id)
        #expect(keys.first { $0.id == bob.key.id }?.lastUsedAt == used && keys[0].lastUsedAt == nil)
        #expect(try ledger.authenticateAdmin(alice.token).scopes == [.adminRead])
        #expect(try ledger.authenticateAdmin(bob.token).scopes == Scope.adminScopes)

        let record = try #require(
            try await ledger.auditRecords(AuditQuery()).first { $0.entry.action == .adminTokenIssued })
        #expect(
            record.entry.actor == "local:root" && record.entry.keyID == "\(alice.key.id)" && record.entry.tenant == nil)
        #expect(record.entry.afterDocument == #"{"name":"alice","scopes":["admin:read"],"state":"active"}"#)
        #expect(!record.canonical.contains(alice.token.text.suffix(64)))
    }

    @Test("Names have a form, and only scopes of administrators are granted")
    func refusals() async throws {
        let ledger = try await TestLedger().ledger
        for name in ["", "Alice", "a b", "-a", String(repeating: "a", count: 64), "ä"] {
            await #expect(throws: LedgerFailure.invalidAdminName) {
                try await ledger.issueAdminToken(named: name, scopes: [.adminRead], by: "test")
            }
        }
        for scopes: Set<Scope> in [[], [.execute], [.adminRead, .read]] {
            await #expect(throws: LedgerFailure.invalidScopes) {
                try await ledger.issueAdminToken(named: "alice", scopes: scopes, by: "test")
            }
        }
        #expect(try await ledger.adminKeys().isEmpty)
    }
}

import Auth
import Ledger
import Quota
import Testing

struct KeyRingTests {
    @Test("An issued token opens the door, narrowed or not, and says what it allows")
    func authenticate() async throws {
        let test = try await TestLedger()
        let plain = try test.ledger.authenticate(test.key.token)
        #expect(plain.tenant == TestLedger.tenant && plain.claims.keyID == test.key.key.id)
        #expect(plain.policy == .unlimited)
        let narrowed = try test.key.token.narrowed(by: .subject("u")).narrowed(by: .scopes([.read]))
        let claims = try test.ledger.authenticate(Token(parsing: narrowed.text)).claims
        #expect(claims.subject == "u" && claims.scopes == [.read])
    }

    @Test("Unknown, forged, expired and early tokens are told apart inside")
    func refusals() async throws {
        let test = try await TestLedger()
        let token = test.key.token
        let forged = try Token(parsing: token.text.dropLast() + (token.text.hasSuffix("0") ? "1" : "0"))
        #expect(throws: AuthenticationFailure.refused(.forged)) { try test.ledger.authenticate(forged) }
        #expect(throws: AuthenticationFailure.unknownKey) {
            try test.ledger.authenticate(Token.mint(.random(), secret: .random()))
        }
        let now = test.clock.now.seconds
        let expired = try token.narrowed(by: .notAfter(now - 1))
        #expect(throws: AuthenticationFailure.refused(.expired)) { try test.ledger.authenticate(expired) }
        let early = try token.narrowed(by: .notBefore(now + 1))
        #expect(throws: AuthenticationFailure.refused(.notYetValid)) { try test.ledger.authenticate(early) }
        test.clock.advance(by: .seconds(1))
        _ = try test.ledger.authenticate(early)
    }

    @Test("A revoked key is out at once and stays out, its siblings are not touched")
    func revoke() async throws {
        let test = try await TestLedger()
        test.clock.advance(by: .seconds(1))
        let sibling = try await test.ledger.issueKey(for: TestLedger.tenant, by: "test")
        test.clock.advance(by: .seconds(5))
        let revoked = try await test.ledger.revokeKey(test.key.key.id, by: "local:root")
        #expect(revoked.state == .revoked && revoked.revokedAt == test.clock.now)
        #expect(throws: AuthenticationFailure.revokedKey) { try test.ledger.authenticate(test.key.token) }
        await #expect(throws: AdmissionFailure.keyRevoked) { try await test.ledger.admit(test.order()) }
        _ = try test.ledger.authenticate(sibling.token)

        test.clock.advance(by: .seconds(5))
        #expect(try await test.ledger.revokeKey(test.key.key.id, by: "test").revokedAt == revoked.revokedAt)
        #expect(try await test.audit(.keyRevoked).count == 1)
        let ledger = try await test.reopened()
        #expect(throws: AuthenticationFailure.revokedKey) { try ledger.authenticate(test.key.token) }
        #expect(try await ledger.keys(of: TestLedger.tenant).map(\.state) == [.revoked, .active])
    }

    @Test("A key admits for its own tenant only")
    func foreignKey() async throws {
        let test = try await TestLedger()
        try await test.ledger.createTenant("beta", by: "test")
        var order = test.order()
        order.tenant = "beta"
        await #expect(throws: AdmissionFailure.keyRevoked) { try await test.ledger.admit(order) }
    }

    @Test("Keys are listed by tenant, oldest first, with their last use, which survives")
    func list() async throws {
        let test = try await TestLedger()
        try await test.ledger.createTenant("beta", by: "test")
        test.clock.advance(by: .seconds(1))
        let other = try await test.ledger.issueKey(for: "beta", by: "test")
        #expect(try await test.ledger.keys().map(\.id) == [test.key.key.id, other.key.id])
        #expect(try await test.ledger.keys(of: "beta").map(\.tenant) == ["beta"])
        #expect(try await test.ledger.keys(of: "beta").first?.lastUsedAt == nil)
        test.clock.advance(by: .seconds(7))
        _ = try test.ledger.authenticate(other.token)
        let used = test.clock.now
        #expect(try await test.ledger.keys(of: "beta").first?.lastUsedAt == used)
        #expect(try await test.reopened().keys(of: "beta").first?.lastUsedAt == used)
    }

    @Test("Issuing is on record, without the secret")
    func audited() async throws {
        let test = try await TestLedger()
        let record = try #require(try await test.audit(.keyIssued).first)
        #expect(record.entry.keyID == "\(test.key.key.id)" && record.entry.actor == "test")
        #expect(!record.canonical.contains(test.key.token.text.suffix(64)))
    }
}

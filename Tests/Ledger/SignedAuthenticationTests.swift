import Auth
import Ledger
import Quota
import Testing

struct SignedAuthenticationTests {
    private func signed(_ test: TestLedger, _ caveats: Caveat...) throws -> SignedCall {
        let token = try caveats.reduce(test.key.token) { try $0.narrowed(by: $1) }
        return try SignedCall(token: token, created: test.clock.now.seconds, nonce: "n")
    }

    @Test("A signed request says who calls, as the token would")
    func accepted() async throws {
        let test = try await TestLedger()
        let call = try signed(test, .subject("user-42"), .signedOnly)
        let caller = try test.ledger.authenticate(call.signature, of: call.request)
        #expect(caller.tenant == TestLedger.tenant && caller.claims.keyID == test.key.key.id)
        #expect(caller.claims.subject == "user-42" && caller.claims.isSignedOnly && caller.policy == .unlimited)
        try call.signature.checkBody(call.body, of: call.request)
        #expect(try await test.ledger.keys().first?.usesToday == 1)
    }

    @Test("Unknown, forged, revoked, expired and late are told apart inside")
    func refusals() async throws {
        let test = try await TestLedger()
        let ledger = test.ledger
        let call = try signed(test)
        let elsewhere = try SignedCall(
            token: test.key.token, created: test.clock.now.seconds, nonce: "n", path: "/v1/usage")
        #expect(throws: AuthenticationFailure.signature(.forged)) {
            try ledger.authenticate(call.signature, of: elsewhere.request)
        }
        let stranger = try SignedCall(
            token: Token.mint(.random(), secret: .random()), created: test.clock.now.seconds, nonce: "n")
        #expect(throws: AuthenticationFailure.unknownKey) {
            try ledger.authenticate(stranger.signature, of: stranger.request)
        }
        let expired = try signed(test, .notAfter(test.clock.now.seconds - 1))
        #expect(throws: AuthenticationFailure.refused(.expired)) {
            try ledger.authenticate(expired.signature, of: expired.request)
        }
        test.clock.advance(by: .seconds(61))
        #expect(throws: AuthenticationFailure.signature(.skewed(serverTime: test.clock.now.seconds))) {
            try ledger.authenticate(call.signature, of: call.request)
        }
        let fresh = try signed(test)
        try await ledger.suspendTenant(TestLedger.tenant, by: "test")
        #expect(throws: AuthenticationFailure.tenantSuspended(nil)) {
            try ledger.authenticate(fresh.signature, of: fresh.request)
        }
        try await ledger.revokeKey(test.key.key.id, by: "test")
        #expect(throws: AuthenticationFailure.revokedKey) {
            try ledger.authenticate(fresh.signature, of: fresh.request)
        }
    }

    @Test("Whether a key exists makes no difference to what is wrong with the request itself")
    func sameForAll() async throws {
        let test = try await TestLedger()
        let stranger = Token.mint(.random(), secret: .random())
        for token in [test.key.token, stranger] {
            let call = try SignedCall(token: token, created: test.clock.now.seconds, nonce: "n")
            // The digest that the signature covers is not in this request.
            let bare = SignableRequest(
                method: "POST", scheme: "https", authority: "gateway.example", path: "/v1/executions", query: nil,
                fields: [])
            #expect(
                throws: AuthenticationFailure.signature(
                    .malformed("\"content-digest\" is covered and not in the request"))
            ) {
                try test.ledger.authenticate(call.signature, of: bare)
            }
        }
    }
}

import Auth
import Foundation
import Quota
import TestSupport
import Testing

@testable import Ledger

/// What an administrator makes under an idempotency key is made once.
struct RepeatedRequestTests {
    /// Everything that can be made under a key, as a text that says all of it.
    enum Creation: String, CaseIterable, Sendable {
        case tenant, key, rotation, adminToken, credit, upstreamKey

        /// - Parameter variant: another one is another request.
        func callAsFunction(
            _ test: TestLedger, _ ledger: Ledger? = nil, variant: Int = 0, by actor: Actor = "local:ann",
            under key: RequestKey?
        ) async throws -> String {
            let ledger = ledger ?? test.ledger
            switch self {
            case .tenant:
                let tenant = try await ledger.createTenant("new-\(variant)", by: actor, under: key)
                return "\(tenant)"
            case .key:
                let tenant = variant == 0 ? TestLedger.tenant : "other"
                let issued = try await ledger.issueKey(for: tenant, by: actor, under: key)
                return "\(issued.key) \(issued.token.text)"
            case .rotation:
                let issued = try await ledger.rotateKey(
                    test.key.key.id, overlap: .seconds(60 + variant), by: actor, under: key)
                return "\(issued.key) \(issued.token.text)"
            case .adminToken:
                let issued = try await ledger.issueAdminToken(
                    named: "ann", scopes: variant == 0 ? [.adminRead] : [.adminKeys], by: actor, under: key)
                return "\(issued.key) \(issued.token.text)"
            case .credit:
                let until = Moment(seconds: 1_800_000_000 + 900_000)
                let credit = try await ledger.grantCredit(
                    Int64(1_000 + variant), to: TestLedger.tenant, until: until, by: actor, under: key)
                return "\(credit)"
            case .upstreamKey:
                let secret = try #require(UpstreamKeySecret("e2b_" + String(repeating: "\(variant)", count: 40)))
                let added = try await ledger.addUpstreamKey(secret, team: "default", by: actor, under: key)
                return "\(added)"
            }
        }
    }

    private func prepared() async throws -> TestLedger {
        let test = try await TestLedger()
        try await test.ledger.createTenant("other", by: "test")
        return test
    }

    /// How much was made of everything.
    private func made(_ ledger: Ledger) async throws -> [Int] {
        [
            try await ledger.tenants().count, try await ledger.keys().count, try await ledger.adminKeys().count,
            ledger.upstreamKeys().count,
            try await ledger.usageReport(of: TestLedger.tenant).usage.credits.count,
        ]
    }

    @Test(
        "It is made once, and whoever repeats the request gets the same, also after a restart",
        arguments: Creation.allCases)
    func once(_ creation: Creation) async throws {
        let test = try await prepared()
        let first = RequestKey("k-1")
        let answer = try await creation(test, under: first)
        #expect(!first.isRepetition)
        let before = try await made(test.ledger)
        test.clock.advance(by: .seconds(86_399))
        let second = RequestKey("k-1")
        #expect(try await creation(test, under: second) == answer)
        #expect(second.isRepetition)
        #expect(try await made(test.ledger) == before)
        let ledger = try await test.reopened()
        #expect(try await creation(test, ledger, under: RequestKey("k-1")) == answer)
        #expect(try await made(ledger) == before)
        #expect(try await test.check().findings == [])
    }

    @Test("Another request under the same key is refused, and so is something else", arguments: Creation.allCases)
    func mismatch(_ creation: Creation) async throws {
        let test = try await prepared()
        _ = try await creation(test, under: RequestKey("k"))
        let before = try await made(test.ledger)
        await #expect(throws: LedgerFailure.requestMismatch) {
            try await creation(test, variant: 1, under: RequestKey("k"))
        }
        let another = try #require(Creation.allCases.first { $0 != creation })
        await #expect(throws: LedgerFailure.requestMismatch) { try await another(test, under: RequestKey("k")) }
        #expect(try await made(test.ledger) == before)
    }

    @Test("The same key of somebody else is another key")
    func others() async throws {
        let test = try await prepared()
        let answer = try await Creation.key(test, under: RequestKey("k"))
        #expect(try await Creation.key(test, by: "local:bob", under: RequestKey("k")) != answer)
        #expect(try await Creation.key(test, under: nil) != answer)
    }

    @Test("A request that was refused leaves its key free")
    func refused() async throws {
        let test = try await prepared()
        await #expect(throws: LedgerFailure.tenantExists("other")) {
            try await test.ledger.createTenant("other", by: "local:ann", under: RequestKey("k"))
        }
        try await test.ledger.createTenant("third", by: "local:ann", under: RequestKey("k"))
        #expect(try await test.ledger.tenants().count == 3)
    }

    @Test("Of many at once one makes it", arguments: [Creation.key, .credit, .tenant])
    func atOnce(_ creation: Creation) async throws {
        let test = try await prepared()
        let before = try await made(test.ledger).reduce(0, +)
        let answers = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<20 { group.addTask { try await creation(test, under: RequestKey("k")) } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(answers.count == 1)
        #expect(try await made(test.ledger).reduce(0, +) == before + 1)
    }

    @Test("After 24 hours the key is free, and forgotten")
    func over() async throws {
        let test = try await prepared()
        let answer = try await Creation.key(test, under: RequestKey("k"))
        test.clock.advance(by: .seconds(86_400))
        #expect(try await Creation.key(test, under: RequestKey("k")) != answer)
        #expect(try await rows(test) == 1)
        test.clock.advance(by: .seconds(86_400))
        try await test.ledger.forgetOldExecutions()
        #expect(try await rows(test) == 0)
    }

    private func rows(_ test: TestLedger) async throws -> Int? {
        try await test.ledger.read { try $0.value(Int.self, "SELECT count(*) FROM admin_request") }
    }

    @Test("A token is shown again with a record, and not once its key is revoked")
    func token() async throws {
        let test = try await prepared()
        let issued = try await test.ledger.issueKey(for: TestLedger.tenant, by: "local:ann", under: RequestKey("k"))
        let again = try await test.ledger.issueKey(for: TestLedger.tenant, by: "local:ann", under: RequestKey("k"))
        #expect(again.token.text == issued.token.text)
        #expect(try test.ledger.authenticate(again.token).tenant == TestLedger.tenant)
        let record = try #require(try await test.audit(.tokenShownAgain).first?.entry)
        #expect(record.actor == "local:ann" && record.tenant == TestLedger.tenant)
        #expect(record.keyID == "\(issued.key.id)")

        try await test.ledger.revokeKey(issued.key.id, by: "test")
        await #expect(throws: LedgerFailure.keyRevokedSince("\(issued.key.id)")) {
            try await test.ledger.issueKey(for: TestLedger.tenant, by: "local:ann", under: RequestKey("k"))
        }
        let admin = try await test.ledger.issueAdminToken(
            named: "bob", scopes: [.adminRead], by: "local:ann", under: RequestKey("a"))
        try await test.ledger.revokeAdminKey(admin.key.id, by: "test")
        await #expect(throws: LedgerFailure.keyRevokedSince("\(admin.key.id)")) {
            try await test.ledger.issueAdminToken(
                named: "bob", scopes: [.adminRead], by: "local:ann", under: RequestKey("a"))
        }
        #expect(try await test.audit(.tokenShownAgain).count == 1)
    }

    @Test("No token, secret or idempotency key is stored")
    func stored() async throws {
        let test = try await prepared()
        let issued = try await test.ledger.issueKey(
            for: TestLedger.tenant, by: "local:ann", under: RequestKey("a-very-recognisable-key"))
        let stored = try await test.stored()
        #expect(stored.range(of: Data("a-very-recognisable-key".utf8)) == nil)
        #expect(stored.range(of: Data(issued.token.text.suffix(64).utf8)) == nil)
    }

    @Test("An administrator whose token was revoked gets nothing again")
    func revokedActor() async throws {
        let test = try await prepared()
        let admin = try await test.ledger.issueAdminToken(named: "ann", scopes: Scope.adminScopes, by: "test")
        let principal = try test.ledger.authenticateAdmin(admin.token)
        let actor = Actor(principal, requestID: "req-1", sourceAddress: "127.0.0.1")
        _ = try await Creation.tenant(test, by: actor, under: RequestKey("k"))
        try await test.ledger.revokeAdminKey(admin.key.id, by: "test")
        await #expect(throws: LedgerFailure.actorRefused) {
            try await Creation.tenant(test, by: actor, under: RequestKey("k"))
        }
    }

    @Test("As many keys are remembered as may be, and none is forgotten for another")
    func bounded() async throws {
        let test = try await prepared()
        let now = test.clock.now.nanoseconds
        try test.ledger.tamper(
            """
            WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < \(Ledger.mostRequestKeys))
            INSERT INTO admin_request (key, administrator, fingerprint, kind, made, created_at, expires_at)
            SELECT 'k' || n, 'local:ann', 'f', 'tenant', '{}', \(now), \(now + 1_000_000_000 * 3_600) FROM number
            """)
        let before = try await made(test.ledger)
        await #expect(throws: LedgerFailure.tooManyRequestKeys(retryAfter: .seconds(3_600))) {
            try await Creation.tenant(test, under: RequestKey("k"))
        }
        #expect(try await made(test.ledger) == before, "what was made for it is taken back")
        _ = try await Creation.tenant(test, under: nil)
        _ = try await Creation.key(test, by: "local:bob", under: RequestKey("k"))
    }

    @Test("Gateways that share a ledger make it once", .onAServer)
    func acrossGateways() async throws {
        let peers = try await Peers(3)
        let tokens = try await withThrowingTaskGroup(of: String.self) { group in
            for index in 0..<12 {
                group.addTask {
                    try await peers.ledgers[index % 3]
                        .issueKey(for: Peers.tenant, by: "local:ann", under: RequestKey("k")).token.text
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(tokens.count == 1)
        #expect(try await peers.ledgers[2].keys(of: Peers.tenant).count == 2)
        try await peers.expectSound()
        await peers.close()
    }

    static let damages: [(sql: String, problem: String)] = [
        ("UPDATE admin_request SET expires_at = created_at", "ends before it begins"),
        ("UPDATE admin_request SET minted_key = 'none'", "is of a key that does not exist"),
    ]

    @Test("What is broken is found and named", arguments: damages.indices)
    func broken(_ index: Int) async throws {
        let test = try await prepared()
        _ = try await Creation.key(test, under: RequestKey("k"))
        #expect(try test.ledger.tamper(Self.damages[index].sql) > 0)
        let findings = try await test.check().findings
        #expect(
            findings.contains {
                $0.invariant == "administrators' requests" && $0.row.hasPrefix("admin_request/")
                    && $0.problem == Self.damages[index].problem
            }, "\(findings)")
    }
}

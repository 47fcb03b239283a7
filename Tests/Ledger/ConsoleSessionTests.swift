import Auth
import Foundation
import Quota
import Testing

@testable import Ledger

struct ConsoleSessionTests {
    private let test: TestLedger
    private let admin: IssuedAdminKey

    init() async throws {
        test = try await TestLedger()
        admin = try await test.ledger.issueAdminToken(named: "alice", scopes: [.adminRead, .adminKeys], by: "test")
    }

    private func open(_ token: Token? = nil) async throws -> ConsoleSessionID {
        let principal = try test.ledger.authenticateAdmin(token ?? admin.token)
        let actor = Actor(principal, requestID: "req-1", sourceAddress: "192.0.2.1")
        return try await test.ledger.openConsoleSession(of: principal, by: actor).id
    }

    private func look(_ id: ConsoleSessionID, isAttended: Bool = true) async throws -> ConsoleSession {
        try await test.ledger.consoleSession(id, isAttended: isAttended)
    }

    @Test("A session says who signed in and what the token allowed, also after a restart; the ledger does not hold it")
    func opened() async throws {
        let narrowed = try admin.token.narrowed(by: .scopes([.adminRead]))
        let id = try await open(narrowed)
        let session = try await look(id)
        #expect(session.principal.name == "alice" && session.principal.scopes == [.adminRead])
        #expect(session.expiresAt == test.clock.now + .seconds(12 * 3600))
        let ledger = try await test.reopened()
        #expect(try await ledger.consoleSession(id, isAttended: true).principal == session.principal)
        let (stored, bytes) = (try await test.stored(), try #require(Hex.bytes(id.text)))
        #expect(!stored.contains(bytes: Data(bytes)) && !stored.contains(bytes: Data(id.text.utf8)))
        #expect(stored.contains(bytes: Data(id.digest)))
        let unknown = ConsoleSessionID.random(under: ledger.consoleSessionKey)
        await #expect(throws: AuthenticationFailure.unknownKey) {
            try await ledger.consoleSession(unknown, isAttended: true)
        }
    }

    @Test("What opens is 96 hex digits and nothing else; what pages send is bound to it and leads back to nothing")
    func texts() throws {
        let key = test.ledger.consoleSessionKey
        let id = ConsoleSessionID.random(under: key)
        #expect(ConsoleSessionID(text: id.text)?.csrfToken == id.csrfToken)
        #expect(id.csrfToken != id.text && id.csrfToken != ConsoleSessionID.random(under: key).csrfToken)
        for text in ["", "00", id.text.uppercased() + "0", id.text + "00", " " + id.text] {
            #expect(ConsoleSessionID(text: text) == nil, "\(text)")
        }
    }

    @Test(
        "Whoever writes the ledger makes no session, and alters none",
        arguments: [
            "UPDATE console_session SET claims = (SELECT MIN(claims) FROM console_session)",
            "UPDATE console_session SET claims = (SELECT MAX(claims) FROM console_session)",
            "UPDATE console_session SET claims = '{}'",
            "UPDATE console_session SET claims = '01'",
        ])
    func forged(change: String) async throws {
        let (one, other) = (try await open(), try await open())
        try test.ledger.tamper(change)
        var opened = 0
        for id in [one, other] where (try? await look(id)) != nil { opened += 1 }
        // A row that was given another's is nobody's.
        #expect(opened == (change.contains("SELECT") ? 1 : 0))
    }

    @Test("What the columns say of the time counts for cleaning up alone")
    func lengthened() async throws {
        let id = try await open()
        let expiresAt = try await look(id).expiresAt
        try test.ledger.tamper("UPDATE console_session SET expires_at = expires_at * 2")
        #expect(try await look(id).expiresAt == expiresAt)
    }

    @Test("A cookie that the ledger did not make is refused without a look into the database")
    func madeUp() async throws {
        let id = try await open()
        let forged = try #require(ConsoleSessionID(text: id.text.prefix(64) + String(repeating: "0", count: 32)))
        #expect(forged.digest == id.digest)
        await #expect(throws: AuthenticationFailure.unknownKey) { try await look(forged) }
        _ = try await look(id)
    }

    @Test("It is over after half an hour without anybody, and after twelve hours in any case")
    func over() async throws {
        let id = try await open()
        test.clock.advance(by: .seconds(30 * 60 - 1))
        _ = try await look(id)
        test.clock.advance(by: .seconds(30 * 60 - 1))
        // A page that asks by itself keeps nobody signed in.
        _ = try await look(id, isAttended: false)
        test.clock.advance(by: .seconds(1))
        await #expect(throws: AuthenticationFailure.refused(.expired)) { try await look(id) }

        let busy = try await open()
        for _ in 0..<(12 * 3 - 1) {
            test.clock.advance(by: .seconds(20 * 60))
            _ = try await look(busy)
        }
        test.clock.advance(by: .seconds(20 * 60 - 1))
        _ = try await look(busy)
        test.clock.advance(by: .seconds(1))
        await #expect(throws: AuthenticationFailure.refused(.expired)) { try await look(busy) }
        await test.ledger.forgetConsoleSessions()
        await #expect(throws: AuthenticationFailure.unknownKey) { try await look(busy) }
    }

    @Test("It ends with its token's time, and with its key at once")
    func ends() async throws {
        let until = test.clock.now.seconds + 60
        let id = try await open(try admin.token.narrowed(by: .notAfter(until)))
        #expect(try await look(id).expiresAt == Moment(seconds: until + 1))
        test.clock.advance(by: .seconds(60))
        _ = try await look(id)
        test.clock.advance(by: .seconds(1))
        await #expect(throws: AuthenticationFailure.refused(.expired)) { try await look(id) }

        let other = try await open()
        try await test.ledger.revokeAdminKey(admin.key.id, by: "test")
        await #expect(throws: AuthenticationFailure.revokedKey) { try await look(other) }
    }

    @Test("Signing in and out is on record, and signing out ends one session and no other")
    func closed() async throws {
        let (id, other) = (try await open(), try await open())
        let principal = try await look(id).principal
        let actor = Actor(principal, requestID: "req-2", sourceAddress: "192.0.2.1")
        try await test.ledger.closeConsoleSession(id, by: actor)
        await #expect(throws: AuthenticationFailure.unknownKey) { try await look(id) }
        _ = try await look(other)
        let entries = try await test.audit(.consoleSignedIn) + test.audit(.consoleSignedOut)
        #expect(entries.map(\.entry.actor) == Array(repeating: "admin:alice", count: 3))
        #expect(entries.map(\.entry.actorKeyID) == Array(repeating: "\(admin.key.id)", count: 3))
        #expect(entries.map(\.entry.requestID) == ["req-1", "req-1", "req-2"])
        #expect(!entries.contains { $0.canonical.contains(id.text) || $0.canonical.contains(Hex.text(id.digest)) })
    }

    @Test("A key has twenty sessions at most: the one that nobody used for longest makes room")
    func room() async throws {
        var ids: [ConsoleSessionID] = []
        for _ in 0..<ConsoleSession.maximumPerKey {
            ids.append(try await open())
            test.clock.advance(by: .seconds(1))
        }
        test.clock.advance(by: .seconds(60))
        _ = try await look(ids[0])
        let newest = try await open()
        _ = try await look(ids[0])
        await #expect(throws: AuthenticationFailure.unknownKey) { try await look(ids[1]) }
        _ = try await look(ids[2])
        _ = try await look(newest)
    }
}

extension Data {
    fileprivate func contains(bytes: Data) -> Bool { range(of: bytes) != nil }
}

import Auth
import Foundation
import Quota
import Testing

@testable import Ledger

struct UpstreamKeyTests {
    private static func secret(_ number: Int) throws -> UpstreamKeySecret {
        try #require(UpstreamKeySecret("e2b_\(String(repeating: "\(number)", count: 40))"))
    }

    /// A ledger with an active key, one on standby and one that is retired.
    private struct Keyed {
        let test: TestLedger
        let active: UpstreamKeyRecord
        let standby: UpstreamKeyRecord
        let retired: UpstreamKeyRecord

        init() async throws {
            test = try await TestLedger()
            let ledger = test.ledger
            active = try await ledger.addUpstreamKey(secret(1), team: "default", by: "test")
            test.clock.advance(by: .seconds(1))
            standby = try await ledger.addUpstreamKey(secret(2), team: "default", by: "test")
            test.clock.advance(by: .seconds(1))
            let third = try await ledger.addUpstreamKey(secret(3), team: "other", by: "test")
            test.clock.advance(by: .seconds(1))
            retired = try await ledger.retireUpstreamKey(third.id, by: "test")
        }
    }

    @Test("The first key is active, later ones are on standby; nothing is forgotten by a restart")
    func added() async throws {
        let keyed = try await Keyed()
        #expect(keyed.active.role == .active && keyed.standby.role == .standby && keyed.retired.role == .retired)
        #expect(keyed.retired.roleSince == keyed.retired.createdAt + .seconds(1))
        let all = [keyed.active, keyed.standby, keyed.retired]
        #expect(keyed.test.ledger.upstreamKeys() == all)
        #expect(Set(all.map(\.id)).count == 3)
        let ledger = try await keyed.test.reopened()
        #expect(ledger.upstreamKeys() == all)
        let secrets = ledger.upstreamKeySecrets().map { $0.secret.exported() }
        #expect(secrets == (try (1...3).map { try Self.secret($0).exported() }))
        #expect(ledger.upstreamKey(with: try Self.secret(2)) == keyed.standby)
        #expect(ledger.upstreamKey(with: try Self.secret(4)) == nil)
    }

    @Test("One of them is active at any time; the former goes on standby in the same commit")
    func activated() async throws {
        let keyed = try await Keyed()
        let ledger = keyed.test.ledger
        keyed.test.clock.advance(by: .seconds(1))
        let activated = try await ledger.activateUpstreamKey(keyed.standby.id, by: "local:ann")
        #expect(activated.role == .active && activated.roleSince == keyed.test.clock.now)
        #expect(ledger.upstreamKeys().map(\.role) == [.standby, .active, .retired])
        let record = try #require(try await keyed.test.audit(.upstreamKeyActivated).last?.entry)
        #expect(record.actor == "local:ann")
        let key = #""team":"default","upstream_key":"\#(keyed.standby.id)"}"#
        #expect(record.beforeDocument == #"{"role":"standby",\#(key)"#)
        #expect(record.afterDocument == #"{"instead_of":"\#(keyed.active.id)","role":"active",\#(key)"#)

        let before = try await keyed.test.audit().count
        #expect(try await ledger.activateUpstreamKey(keyed.standby.id, by: "test") == activated)
        #expect(try await keyed.test.audit().count == before, "what changes nothing leaves no record")
        try await ledger.activateUpstreamKey(keyed.retired.id, by: "test")
        #expect(try await keyed.test.reopened().upstreamKeys().map(\.role) == [.standby, .standby, .active])
    }

    @Test("The disk itself allows one active key only")
    func oneActive() async throws {
        let keyed = try await Keyed()
        #expect(throws: SQLFailure.self) {
            try keyed.test.ledger.tamper("UPDATE upstream_key SET role = 'active'")
        }
    }

    @Test("The active key is neither retired nor removed, and only a retired one is removed")
    func retired() async throws {
        let keyed = try await Keyed()
        let ledger = keyed.test.ledger
        let records = try await keyed.test.audit().count
        await #expect(throws: LedgerFailure.upstreamKeyActive(keyed.active.id)) {
            try await ledger.retireUpstreamKey(keyed.active.id, by: "test")
        }
        await #expect(throws: LedgerFailure.upstreamKeyActive(keyed.active.id)) {
            try await ledger.removeUpstreamKey(keyed.active.id, by: "test")
        }
        await #expect(throws: LedgerFailure.upstreamKeyNotRetired(keyed.standby.id)) {
            try await ledger.removeUpstreamKey(keyed.standby.id, by: "test")
        }
        for act in [Ledger.activateUpstreamKey, Ledger.retireUpstreamKey, Ledger.removeUpstreamKey] {
            await #expect(throws: LedgerFailure.noSuchUpstreamKey("uk_none")) {
                try await act(ledger)("uk_none", "test")
            }
        }
        #expect(try await ledger.retireUpstreamKey(keyed.retired.id, by: "test") == keyed.retired)
        #expect(try await keyed.test.audit().count == records, "nothing was changed")

        let removed = try await ledger.removeUpstreamKey(keyed.retired.id, by: "local:ann")
        #expect(removed == keyed.retired)
        let record = try #require(try await keyed.test.audit(.upstreamKeyRemoved).last?.entry)
        #expect(record.actor == "local:ann" && record.afterDocument == nil)
        #expect(record.beforeDocument?.contains(keyed.retired.id) == true)
        #expect(try await keyed.test.reopened().upstreamKeys() == [keyed.active, keyed.standby])
    }

    @Test("A key is held once, whatever its role; after its removal it may be added again, under another id")
    func twice() async throws {
        let keyed = try await Keyed()
        let ledger = keyed.test.ledger
        for (number, key) in [keyed.active, keyed.standby, keyed.retired].enumerated() {
            await #expect(throws: LedgerFailure.upstreamKeyExists(key.id)) {
                try await ledger.addUpstreamKey(Self.secret(number + 1), team: "new", by: "test")
            }
        }
        try await ledger.removeUpstreamKey(keyed.retired.id, by: "test")
        let again = try await ledger.addUpstreamKey(Self.secret(3), team: "other", by: "test")
        #expect(again.id != keyed.retired.id && again.role == .standby)
    }

    @Test("The key of the first start is taken over once")
    func imported() async throws {
        let test = try await TestLedger()
        let key = try #require(try await test.ledger.importUpstreamKey(Self.secret(1), by: "gateway"))
        #expect(key.role == .active && key.team == "default")
        #expect(try await test.audit(.upstreamKeyAdded).map(\.entry.actor) == ["gateway"])
        #expect(try await test.ledger.importUpstreamKey(Self.secret(2), by: "gateway") == nil)
        #expect(try await test.reopened().upstreamKeys() == [key])
    }

    @Test("Of many who add the same key at once one succeeds")
    func concurrently() async throws {
        let test = try await TestLedger()
        let secret = try Self.secret(1)
        let added = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    (try? await test.ledger.addUpstreamKey(secret, team: "default", by: "test")) != nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(added == 1)
        #expect(test.ledger.upstreamKeys().count == 1)
    }

    @Test("What is no key, or no team's name, is refused", arguments: ["", "Default", "a b", "team_1", "é", "x\n"])
    func team(name: String) async throws {
        let test = try await TestLedger()
        await #expect(throws: LedgerFailure.invalidTeam) {
            try await test.ledger.addUpstreamKey(Self.secret(1), team: name, by: "test")
        }
        #expect(test.ledger.upstreamKeys().isEmpty)
    }

    @Test("Names of teams and texts of keys have their lengths")
    func lengths() {
        #expect(UpstreamKeyRecord.isValid(team: String(repeating: "a", count: 32)))
        #expect(!UpstreamKeyRecord.isValid(team: String(repeating: "a", count: 33)))
        #expect(UpstreamKeySecret(String(repeating: "k", count: 512)) != nil)
        for text in ["", String(repeating: "k", count: 513), "e2b_1 ", "e2b_1\r\nX-Admin: 1", "e2b_é", "\u{7f}"] {
            #expect(UpstreamKeySecret(text) == nil)
        }
    }

    @Test("Neither what is stored nor descriptions show a key")
    func hidden() async throws {
        let keyed = try await Keyed()
        let text = try Self.secret(1).exported()
        let held = try #require(keyed.test.ledger.upstreamKeySecrets().first)
        var dumped = "\(held) \(String(reflecting: held))"
        dump(held, to: &dumped)
        #expect(!dumped.contains(text))
        let stored = try await keyed.test.stored()
        #expect(stored.firstRange(of: Data(keyed.active.id.utf8)) != nil)
        #expect(stored.firstRange(of: Data(text.utf8)) == nil)
    }

    @Test("A sealed key that was moved to another row is not opened there")
    func moved() async throws {
        let keyed = try await Keyed()
        try keyed.test.ledger.tamper(
            """
            UPDATE upstream_key SET sealed_secret = (SELECT sealed_secret FROM upstream_key WHERE id = ?) WHERE id = ?
            """, [keyed.standby.id, keyed.active.id])
        await keyed.test.ledger.close()
        #expect(throws: LedgerFailure.damaged("upstream_key/\(keyed.active.id)")) {
            try Ledger.open(in: keyed.test.location, rootKey: keyed.test.rootKey)
        }
    }

    @Test("What cannot be written leaves memory as it was")
    func unwritten() async throws {
        let keyed = try await Keyed()
        let before = keyed.test.ledger.upstreamKeys()
        try keyed.test.ledger.refuse("UPDATE", on: "upstream_key", when: "new.role = 'active'")
        await #expect(throws: LedgerFailure.self) {
            try await keyed.test.ledger.activateUpstreamKey(keyed.standby.id, by: "test")
        }
        #expect(keyed.test.ledger.upstreamKeys() == before)
        #expect(try await keyed.test.audit(.upstreamKeyActivated).isEmpty)
        #expect(try await keyed.test.reopened().upstreamKeys() == before)
    }

    @Test("Another ledger has another name upstream; a restart keeps it")
    func installation() async throws {
        let test = try await TestLedger()
        let installation = test.ledger.installation
        #expect(Hex.bytes(installation)?.count == 8)
        #expect(try await TestLedger().ledger.installation != installation)
        #expect(try await test.reopened().installation == installation)
    }

    @Test("A restored backup keeps its name upstream, and its keys", .ofAFile)
    func restored() async throws {
        let keyed = try await Keyed()
        let test = keyed.test
        let installation = test.ledger.installation
        let backup = test.folder.path + "/backup.db"
        _ = try Ledger.backUp(test.path, to: backup)
        try await test.ledger.removeUpstreamKey(keyed.retired.id, by: "test")
        await test.ledger.close()
        let restoration = try LedgerRestoration(of: backup, to: test.path, rootKey: test.rootKey)
        _ = try await restoration.perform(revokingAllKeys: true, by: "test")
        restoration.release()
        let restored = try Ledger.open(in: test.location, rootKey: test.rootKey)
        #expect(restored.installation == installation)
        #expect(restored.upstreamKeys() == [keyed.active, keyed.standby, keyed.retired])
    }

    @Test("An administrator whose token was revoked changes nothing")
    func refusedActor() async throws {
        let keyed = try await Keyed()
        let ledger = keyed.test.ledger
        let issued = try await ledger.issueAdminToken(named: "gone", scopes: Scope.adminScopes, by: "test")
        let actor = Actor(try ledger.authenticateAdmin(issued.token), requestID: "r", sourceAddress: "127.0.0.1")
        _ = try await ledger.activateUpstreamKey(keyed.standby.id, by: actor)
        try await ledger.revokeAdminKey(issued.key.id, by: "test")
        let before = ledger.upstreamKeys()
        await #expect(throws: LedgerFailure.actorRefused) {
            try await ledger.activateUpstreamKey(keyed.active.id, by: actor)
        }
        await #expect(throws: LedgerFailure.actorRefused) {
            try await ledger.addUpstreamKey(Self.secret(4), team: "default", by: actor)
        }
        #expect(ledger.upstreamKeys() == before)
    }
}

import Auth
import Quota
import TestSupport
import Testing

@testable import Ledger

/// An embedded ledger that has something of everything, closed, and an empty schema that it may move to.
final class MovingLedger: Sendable {
    let test: TestLedger
    let target: LedgerLocation
    /// A sandbox of the tenant's own that runs.
    let sandbox: OwnedSandbox
    let running: Lease
    let replied: Lease

    init(target address: String = "") async throws {
        var policy = Policy.unlimited
        policy.recordsCode = true
        policy.runtime = [.hour: 10_000]
        test = try await TestLedger(policy: policy, isEmbedded: true)
        let ledger = test.ledger
        try await ledger.createTenant("sleepy", by: "test")
        _ = try await ledger.changeDefaultPolicy(by: "test") { [policy] _ in policy }
        _ = try await ledger.issueKey(for: "sleepy", by: "local:ann", under: RequestKey("moved"))
        let admin = try await ledger.issueAdminToken(named: "first", scopes: Scope.adminScopes, by: "test")
        _ = try await ledger.openConsoleSession(of: ledger.authenticateAdmin(admin.token), by: "test")
        let secret = try #require(UpstreamKeySecret("e2b_\(String(repeating: "1", count: 40))"))
        _ = try await ledger.addUpstreamKey(secret, team: "default", by: "test")
        _ = try await ledger.rotateKey(test.key.key.id, overlap: .seconds(3_600), by: "test")

        replied = try await test.lease(under: "k")
        await ledger.recordSandbox("sbx1", for: replied)
        _ = try await ledger.settle(replied, with: .completed(held: 700), leaving: .reply(Array("output".utf8)))
        // Past a threshold of which somebody is to be told.
        let long = try await ledger.admit(test.order(timeout: 8_000, code: "print('Zoë')", context: "{}"))
        _ = try await ledger.settle(long, with: .completed(held: 8_000))
        running = try await ledger.admit(test.order(timeout: 500))
        await ledger.recordSandbox("sbx2", for: running)
        sandbox = try await test.sandbox(500)
        try await ledger.acceptNonce(
            PresentedNonce("n", until: test.clock.now + .seconds(60)), of: test.key.key.id, notAfter: nil)
        try await ledger.renameTenant("sleepy", to: "sleepier", by: "test")
        try await ledger.suspendTenant("sleepier", by: "test", because: "asleep")
        try await ledger.createTenant("gone", by: "test")
        try await ledger.deleteTenant("gone", by: "test")
        try await ledger.suspendKey(test.key.key.id, by: "test", because: "moving")
        try await ledger.resumeKey(test.key.key.id, by: "test")
        try await ledger.pauseWork(by: "test", because: "moving")
        try await ledger.makeCheckpoint()
        try ledger.tamper("INSERT INTO sink (name, sequence, checkpoint) VALUES ('file', 3, 0)")
        await ledger.close()
        target = try TestLedger.location(
            address.isEmpty ? try await PostgreSQLServer.hasty().makeSchema() : address)
    }

    func move() throws -> LedgerMove {
        try LedgerMove(of: test.path, to: server, rootKey: test.rootKey)
    }

    var server: PostgreSQLLocation {
        guard case .server(let server) = target else { preconditionFailure("it moves to a server") }
        return server
    }

    /// The same ledger where it is after the move.
    func opened() throws -> Ledger {
        try Ledger.open(in: target, rootKey: test.rootKey, clock: test.clock.source)
    }

    /// The same ledger where it was.
    func openedFile() throws -> Ledger {
        try Ledger.open(at: test.path, rootKey: test.rootKey, clock: test.clock.source)
    }

    /// Asks PostgreSQL.
    func ask<Value>(_ query: (any SQLTransaction) throws -> Value) throws -> Value {
        let database = PostgreSQLDatabase(at: server)
        defer { database.close() }
        return try database.prepare(query)
    }

    var hasArrived: Bool {
        get throws { try ask { try PostgreSQLSchema.hasLedger(in: $0) } }
    }
}

import Auth
import Quota
import TestSupport
import Testing

@testable import Ledger

/// Ledgers in PostgreSQL that earlier versions made.
@Suite(.onAServer) struct PostgreSQLMigrationTests {
    @Test("One of the first version goes on: who was shut out is suspended, names are handles, nothing is paused")
    func firstVersion() async throws {
        let location = try PostgreSQLLocation(try await PostgreSQLServer.hasty().makeSchema())
        let rootKey = RootKey.random()
        let database = PostgreSQLDatabase(at: location)
        try database.prepare { transaction in
            try PostgreSQLSchema.migrate(in: transaction, place: "here", upTo: 1)
            try OwnKeys.create(in: transaction, sealer: Sealer(rootKey))
            try AuditChain.store(AuditHead.start, at: Moment(seconds: 1), in: transaction)
            for (name, disabledAt) in [("acme", 7), ("beta", nil)] as [(String, Int64?)] {
                try transaction.execute(
                    "INSERT INTO tenant (name, created_at, disabled_at, policy) VALUES (?, 1, ?, ?)",
                    [name, disabledAt, try Document.text(Policy.standard)])
            }
        }
        database.close()
        #expect(try await LedgerCheck.run(in: .server(location)).findings == [], "before, too")

        let ledger = try Ledger.open(in: .server(location), rootKey: rootKey)
        let tenants = try await ledger.tenants()
        #expect(tenants.map(\.name) == ["acme", "beta"] && tenants.map(\.handle) == ["acme", "beta"])
        #expect(tenants.map(\.suspension) == [Suspension(since: Moment(nanoseconds: 7), by: nil, reason: nil), nil])
        #expect(ledger.pause == nil)
        let key = try await ledger.issueKey(for: "beta", by: "test")
        try await ledger.renameTenant("beta", to: "gamma", by: "test")
        #expect(try ledger.authenticate(key.token).tenantName == "gamma")
        await ledger.close()
        #expect(try await LedgerCheck.run(in: .server(location)).findings == [])
    }
}

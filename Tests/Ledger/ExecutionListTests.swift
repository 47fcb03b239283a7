import Quota
import Testing

@testable import Ledger

/// Executions, the newest first, page by page.
struct ExecutionListTests {
    /// Nine executions, one a minute, of two tenants in turn, ending in three ways; the last two run.
    private func lived() async throws -> (TestLedger, [String]) {
        let test = try await TestLedger()
        try await test.ledger.createTenant("other", policy: .unlimited, by: "test")
        let otherKey = try await test.ledger.issueKey(for: "other", by: "test")
        var ids: [String] = []
        for index in 0..<9 {
            var order = test.order()
            if index % 2 == 1 {
                order = AdmissionOrder(
                    executionID: .random(), tenant: "other", keyID: otherKey.key.id, subject: nil, requestID: "req-1",
                    sourceAddress: "127.0.0.1", timeoutMilliseconds: 1_000, code: [], context: nil)
            }
            let lease = try await test.ledger.admit(order)
            ids.append(lease.executionID.text)
            if index < 7 {
                let outcome: Outcome = [.completed, .failed, .killed][index % 3]
                _ = try await test.ledger.settle(
                    lease, with: ExecutionResult(outcome: outcome, heldMilliseconds: 5, outputBytes: 1))
            }
            test.clock.advance(by: .seconds(60))
        }
        return (test, ids)
    }

    private func ids(_ test: TestLedger, _ query: ExecutionQuery) async throws -> [String]? {
        try await test.ledger.executions(query)?.map(\.id)
    }

    @Test("They come page by page, of all tenants and of one")
    func pages() async throws {
        let (test, ids) = try await lived()
        #expect(try await self.ids(test, ExecutionQuery()) == ids.reversed())
        for tenant in [nil, TestLedger.tenant, "other"] {
            var told: [String] = [], page: [String] = []
            repeat {
                let query = ExecutionQuery(tenant: tenant, after: told.last, limit: 2)
                page = try #require(try await self.ids(test, query))
                told += page
            } while page.count == 2
            let wanted = ids.enumerated().filter { tenant == nil || ($0.offset % 2 == 0) == (tenant != "other") }
            #expect(told == wanted.map(\.element).reversed())
        }
        #expect(try await self.ids(test, ExecutionQuery(after: "exe_000000000000000000000000")) == nil)
        await #expect(throws: LedgerFailure.noSuchTenant("nobody")) {
            try await test.ledger.executions(ExecutionQuery(tenant: "nobody"))
        }
    }

    @Test("They are chosen by how they ended, how far they are, and when they were admitted")
    func filters() async throws {
        let (test, ids) = try await lived()
        let start = test.clock.now - .seconds(9 * 60)
        #expect(try await self.ids(test, ExecutionQuery(outcome: .failed)) == [ids[4], ids[1]])
        #expect(try await self.ids(test, ExecutionQuery(tenant: "other", outcome: .failed)) == [ids[1]])
        #expect(try await self.ids(test, ExecutionQuery(state: .running)) == [ids[8], ids[7]])
        #expect(try await self.ids(test, ExecutionQuery(tenant: "other", state: .running)) == [ids[7]])
        let others = ExecutionQuery(tenant: "other", state: .finished)
        #expect(try await self.ids(test, others) == [ids[5], ids[3], ids[1]])
        let middle = ExecutionQuery(from: start + .seconds(120), to: start + .seconds(240))
        #expect(try await self.ids(test, middle) == [ids[3], ids[2]])
        #expect(try await self.ids(test, ExecutionQuery(from: start, to: start)) == [])
        #expect(try await self.ids(test, ExecutionQuery(from: test.clock.now)) == [])
        #expect(try await self.ids(test, ExecutionQuery(to: start)) == [])
        let empty = try await TestLedger()
        #expect(try await empty.ledger.executions(ExecutionQuery(from: start)) == [])
        #expect(try await empty.ledger.executions(ExecutionQuery()) == [])
    }

    @Test("One tenant's and those that went wrong are found by an index, those that run by their leases", .ofAFile)
    func plans() async throws {
        let test = try await TestLedger()
        for (query, tenant, found) in [
            (ExecutionQuery(), Int64(1), "execution_of_tenant (tenant=? AND rowid>? AND rowid<?)"),
            (ExecutionQuery(outcome: .killed), 1, "execution_of_tenant (tenant=? AND rowid>? AND rowid<?)"),
            (ExecutionQuery(outcome: .killed), nil, "execution_gone_wrong (outcome=? AND rowid>? AND rowid<?)"),
            (ExecutionQuery(state: .running), 1, "(id=?"),
            (ExecutionQuery(state: .running), nil, "(id=?"),
        ] as [(ExecutionQuery, Int64?, String)] {
            let (sql, parameters) = Ledger.selection(of: query, tenant: tenant, 0..<9)
            let plan = try await test.ledger.read { database in
                try database.rows("EXPLAIN QUERY PLAN " + sql, parameters).compactMap { $0.description(of: "detail") }
            }
            #expect(plan.first?.contains(found) == true, "\(plan)")
            #expect(plan.contains { $0.contains("TEMP B-TREE") } == (query.state == .running), "\(plan)")
        }
    }
}

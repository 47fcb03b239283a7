import Logging
import Quota
import ServiceLifecycle
import TestSupport
import Testing

@testable import Ledger

struct ServiceTests {
    /// A running ledger service and the way to stop it.
    private func running(_ test: TestLedger) -> (group: ServiceGroup, task: Task<Void, any Error>) {
        let group = ServiceGroup(
            services: [test.ledger], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        return (group, Task { try await group.run() })
    }

    @Test("Start and stop are on record; rates and last uses are written while it runs")
    func lifetime() async throws {
        let test = try await TestLedger()
        let (group, task) = running(test)
        _ = try test.ledger.authenticate(test.key.token)
        try await test.ledger.takeRate(of: TestLedger.tenant)
        #expect(
            try await eventually {
                try await test.ledger.read { database in
                    let used = try database.value(Int.self, "SELECT count(*) FROM key WHERE last_used_at IS NOT NULL")
                    let rated = try database.value(
                        Int.self, "SELECT count(*) FROM usage WHERE rate_next_free IS NOT NULL")
                    return used == 1 && rated == 1
                }
            })
        await group.triggerGracefulShutdown()
        try await task.value
        let actions = try await test.audit().map(\.entry.action)
        #expect(actions.contains(.gatewayStarted) && actions.last == .gatewayStopped)
    }

    @Test("It pays what is owed by itself once it can")
    func paysDebts() async throws {
        let test = try await TestLedger()
        let lease = try await test.ledger.admit(test.order())
        let (group, task) = running(test)
        let intruder = try Intruder(test)
        await #expect(throws: LedgerFailure.self) {
            try await test.ledger.settle(lease, with: .completed(held: 3))
        }
        try intruder.leave()
        #expect(try await eventually { try await test.usage().executions == 0 })
        await group.triggerGracefulShutdown()
        try await task.value
    }

    @Test("A graceful shutdown writes what is owed before it ends")
    func drains() async throws {
        let test = try await TestLedger()
        let (group, task) = running(test)
        #expect(try await eventually { try await test.audit(.gatewayStarted).count == 1 })
        test.ledger.debts.owe(
            Debts.Debt(reach: .own) { draft in
                try draft.execute("INSERT INTO fact (name, value) VALUES ('paid', 1)", [])
            })
        await group.triggerGracefulShutdown()
        try await task.value
        let paid = try await test.ledger.read {
            try $0.value(Int.self, "SELECT value FROM fact WHERE name = 'paid'")
        }
        #expect(paid == 1)
    }
}

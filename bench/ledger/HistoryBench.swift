import Auth
import Ledger
import Quota

/// A ledger full of executions: usage asked for, and forgetting beside admissions.
struct HistoryBench {
    let folder: BenchFolder
    let executions: Int
    let seconds: Int

    private static let tenants = 50
    private static let days: Int64 = 120

    func run() async throws {
        let history = History(
            path: folder.path + "/history.db", rootKey: .random(), executions: executions, tenants: Self.tenants,
            subjects: 1_000, days: Self.days
        )
        guard try folder.hasRoom(for: executions * 500) else {
            say("\(executions) executions do not fit on this disk; see --executions and --folder")
            return
        }
        let clock = ContinuousClock()
        let took = try await clock.measure { try await history.fill() }
        say(
            "\(executions) executions of \(Self.tenants) tenants in \(Self.days) days, filled in \(took.components.seconds) s"
        )

        let ledger = try Ledger.open(at: history.path, rootKey: history.rootKey)
        try await askForUsage(in: ledger)
        try await forget(in: ledger)
        await ledger.close()
    }

    private func askForUsage(in ledger: Ledger) async throws {
        let now = history(0)
        let month = (now - .seconds(30 * 86_400))...now
        try await measure("usage of a tenant") { _ = try await ledger.usageReport(of: "tenant-7", subject: "user-3") }
        for grouping in ConsumptionGrouping.allCases {
            for tenant in [nil, "tenant-7"] {
                let query = ConsumptionQuery(tenant: tenant, grouping: grouping, days: month)
                try await measure("a month by \(grouping.rawValue), \(tenant ?? "all tenants")") {
                    _ = try await ledger.consumption(query)
                }
            }
        }
        let daily = ConsumptionQuery(tenant: "tenant-7", grouping: .key, isDaily: true, days: month)
        try await measure("a month by key and day, tenant-7") { _ = try await ledger.consumption(daily) }
        say("target: under 50 ms")
    }

    private func history(_ days: Int64) -> Moment { History.now() - .seconds(days * 86_400) }

    private func measure(_ name: String, _ query: () async throws -> Void) async throws {
        let clock = ContinuousClock()
        var figures = Figures()
        let end = clock.now + .seconds(seconds)
        try await query()
        while figures.count < 200, clock.now < end || figures.count < 5 {
            figures.add(try await clock.measure(query))
        }
        say("\(name): \(figures.description)")
    }

    /// Thirty days of the hundred and twenty are too old.
    private func forget(in ledger: Ledger) async throws {
        for (name, atOnce) in [("one caller", 1), ("64 callers", 64)] {
            let callers = try await Callers(ledger: ledger, tenant: "beside-\(atOnce)", subjects: 0)
            _ = try await callers.call(atOnce: atOnce, seconds: 1)
            let alone = try await callers.call(atOnce: atOnce, seconds: seconds)
            say("\(name) in it: \(alone.perSecond) executions/s, admission \(alone.admissions.description)")
            let forgetting = Task { try await ledger.forgetOldExecutions() }
            let beside = try await callers.call(atOnce: atOnce, seconds: seconds)
            forgetting.cancel()
            let forgotten = try await forgetting.value
            say(
                "\(name) beside forgetting \(forgotten): \(beside.perSecond) executions/s, "
                    + "admission \(beside.admissions.description)"
            )
        }
    }
}

import Auth
import Ledger

/// Calls as gateways have them that share a ledger in PostgreSQL: each taken off its tenant's rate, admitted and settled, in
/// three commits. The gateways are in this process, each with its own connections, and callers are spread over them.
struct SharedBench {
    let address: String
    let gateways: Int
    let tenants: Int
    let callers: Int
    let seconds: Int

    /// Prints one line of JSON, for ``shared_ledger.py``.
    func run() async throws {
        let (rootKey, location) = (RootKey.random(), try LedgerLocation(address))
        var ledgers = [try Ledger.create(in: location, rootKey: rootKey)]
        for _ in 1..<gateways { ledgers.append(try Ledger.open(in: location, rootKey: rootKey)) }
        let services = ledgers.map { ledger in Task { try? await ledger.run() } }
        var keys: [KeyID] = []
        for tenant in 0..<tenants {
            keys.append(try await Callers(ledger: ledgers[0], tenant: Self.name(tenant), subjects: 0).key)
        }
        _ = try await call(ledgers, keys, seconds: 2)
        let before = ledgers.reduce(0) { $0 + $1.commitCount }
        let result = try await call(ledgers, keys, seconds: seconds)
        let commits = ledgers.reduce(0) { $0 + $1.commitCount } - before
        for service in services { service.cancel() }
        for service in services { await service.value }
        for ledger in ledgers { await ledger.close() }
        say(
            """
            {"gateways": \(gateways), "tenants": \(tenants), "callers": \(callers), "executions": \(result.whole.count), \
            "per_second": \(result.perSecond), "commits": \(commits), "admission": "\(result.admissions.description)", \
            "whole": "\(result.whole.description)"}
            """)
    }

    private static func name(_ tenant: Int) -> String { "tenant-\(tenant)" }

    private func call(_ ledgers: [Ledger], _ keys: [KeyID], seconds: Int) async throws -> Callers.Result {
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        var result = try await withThrowingTaskGroup(of: Callers.Result.self) { group in
            for caller in 0..<callers {
                // Each tenant's callers come to every gateway.
                let tenant = caller % tenants
                let callers = Callers(
                    ledger: ledgers[caller / tenants % gateways], tenant: Self.name(tenant), key: keys[tenant],
                    takesRate: true)
                group.addTask { try await callers.call(until: end, from: caller) }
            }
            return try await group.reduce(into: Callers.Result()) { all, one in
                all.admissions.add(one.admissions)
                all.whole.add(one.whole)
            }
        }
        result.took = start.duration(to: .now)
        return result
    }
}

public import Quota

/// What limits would have done to a tenant's past.
public struct SimulationReport: Sendable, Hashable {
    /// The limits that were tried.
    public let policy: Policy
    /// The stretch of the past.
    public let period: Range<Moment>
    /// What would have become of its calls.
    public let result: Simulation.Result
    /// How many of the calls were refused at the time, and are taken to have run as long as others did.
    public let refusedThen: Int
    /// How many more were refused and not replayed: of those that one audit record counts, a thousand are.
    public let leftOut: Int
}

extension Ledger {
    /// Replays what a tenant called for against limits it does not have.
    ///
    /// - Parameters:
    ///   - tenant: Whose past.
    ///   - since: From when on; the ledger knows no further back than executions are kept.
    ///   - change: Makes the limits to try out of those that are in force.
    /// - Throws: ``LedgerFailure/noSuchTenant(_:)``, ``LedgerFailure/invalidPolicy(_:)``,
    ///   ``LedgerFailure/unavailable(_:)``.
    public func simulate(
        _ tenant: String, since: Moment, _ change: @Sendable (Policy) throws(PolicyFailure) -> Policy
    ) async throws(LedgerFailure) -> SimulationReport {
        let account = try account(named: tenant)
        let policy = try Self.changed(account.policy, change)
        let now = clock.now()
        let history = RecordedHistory(
            tenant: account.tenant, since: since, standardTimeoutMilliseconds: account.policy.timeoutMilliseconds)
        return try await read { database in
            var simulation = Simulation(of: policy)
            var refusedThen = 0
            let mean = try history.meanHeldMilliseconds(in: database)
            let leftOut = try history.forEach(in: database) { call, wasRefused in
                if wasRefused { refusedThen += 1 }
                simulation.replay(call, assumedMilliseconds: mean)
            }
            simulation.settle(upTo: Moment(nanoseconds: .max))
            return SimulationReport(
                policy: simulation.policy, period: since..<max(now, since), result: simulation.result,
                refusedThen: refusedThen, leftOut: leftOut
            )
        }
    }
}

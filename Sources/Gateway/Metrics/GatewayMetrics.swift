import E2BUpstream
import Ledger

/// The registry, and the instruments that measure into it.
struct GatewayMetrics: Sendable {
    let registry: MetricsRegistry
    let calls: CallMetrics
    let stages: StageClock
    let upstream: UpstreamMetrics
    let deliveries: DeliveryMetrics

    /// - Parameter namedTenants: how many tenants metrics name.
    init(namedTenants: Int) {
        registry = MetricsRegistry()
        calls = CallMetrics(registry, tenants: TenantLabels(limit: namedTenants))
        stages = StageClock(registry)
        upstream = UpstreamMetrics(registry)
        deliveries = DeliveryMetrics(registry)
    }

    /// Has the ledger tell of its commits, and of what they charge.
    func observe(_ ledger: Ledger) {
        let commits = CommitMetrics(registry)
        ledger.observeCommits { [calls] commit in
            commits.committed(commit)
            for charge in commit.charges { calls.charged(charge, of: ledger.tenantName(charge.tenant)) }
        }
    }
}

import CoreMetrics

/// What is counted of each tenant, as far as metrics name tenants.
struct TenantMetrics: Sendable {
    private struct Calls: Hashable, Sendable {
        let tenant: String
        let outcome: CallOutcome
    }
    private struct Refusals: Hashable, Sendable {
        let tenant: String
        let type: ProblemType
    }

    private let labels: TenantLabels
    private let calls: InstrumentTable<Calls, Counter>
    private let refusals: InstrumentTable<Refusals, Counter>
    private let runtime: InstrumentTable<String, FloatingPointCounter>

    init(_ registry: MetricsRegistry, _ labels: TenantLabels) {
        self.labels = labels
        calls = InstrumentTable {
            registry.counter(.tenantCalls, ("tenant", $0.tenant), ("outcome", $0.outcome.rawValue))
        }
        refusals = InstrumentTable {
            registry.counter(.tenantRefusals, ("tenant", $0.tenant), ("type", $0.type.rawValue))
        }
        runtime = InstrumentTable { registry.amount(.tenantRuntime, ("tenant", $0)) }
    }

    func called(_ tenant: String, _ outcome: CallOutcome, refusal: ProblemType?) {
        guard let label = labels.label(of: tenant) else { return }
        calls[Calls(tenant: label, outcome: outcome)].increment()
        if let refusal { refusals[Refusals(tenant: label, type: refusal)].increment() }
    }

    func charged(_ tenant: String, seconds: Double) {
        guard let label = labels.label(of: tenant) else { return }
        runtime[label].increment(by: seconds)
    }
}

import E2BUpstream

// How it stands with upstream.
extension MetricDescription {
    static let upstream = [
        upstreamCalls, upstreamCallDuration, upstreamSlots, upstreamAllotment, upstreamCircuit, upstreamKeyRefused,
    ]

    static let upstreamCalls = MetricDescription(
        "e2b_gateway_upstream_calls_total", .counter,
        "Calls of upstream, each attempt for itself, by what upstream answered: the class of its status, or why there was none.",
        labels: [
            .of("operation", cases: UpstreamOperation.self),
            .of("result", "2xx", "3xx", "4xx", "5xx", "unreachable", "timed_out", "broken", "cancelled"),
        ])
    static let upstreamCallDuration = MetricDescription(
        "e2b_gateway_upstream_call_duration_seconds", times,
        "From the beginning of a call of upstream to the head of the answer, or to its failure.",
        labels: [.of("operation", cases: UpstreamOperation.self)])
    static let upstreamSlots = MetricDescription(
        "e2b_gateway_upstream_slots", .gauge, "Upstream's room, by use; waiting are calls without any.",
        labels: [.of("use", "held", "spare", "waiting")])
    static let upstreamAllotment = MetricDescription(
        "e2b_gateway_upstream_allotment", .gauge,
        "This gateway's part of the sandboxes that upstream has room for, where several share them.")
    static let upstreamCircuit = MetricDescription(
        "e2b_gateway_upstream_circuit", .gauge, "Whether creates are asked of upstream: the state it is in is 1.",
        labels: [.of("state", "closed", "half_open", "open")])
    static let upstreamKeyRefused = MetricDescription(
        "e2b_gateway_upstream_key_refused", .gauge, "Whether upstream refuses a key.",
        labels: [.open("key"), .open("team"), .of("role", "active", "standby", "retired")])

    static let pool = [poolSandboxes, poolCalls, poolMade, poolUnused, poolIdle]

    static let poolSandboxes = MetricDescription(
        "e2b_gateway_pool_sandboxes", .gauge, "Warm sandboxes, by state.", labels: [.of("state", "ready", "making")])
    static let poolCalls = MetricDescription(
        "e2b_gateway_pool_calls_total", .counter, "Executions, by whether a warm sandbox was ready for them.",
        labels: [.of("result", "hit", "miss")])
    static let poolMade = MetricDescription(
        "e2b_gateway_pool_made_total", .counter, "Sandboxes made for the warm pool, by whether they became ready.",
        labels: [.of("result", "ready", "failed")])
    static let poolUnused = MetricDescription(
        "e2b_gateway_pool_unused_total", .counter, "Warm sandboxes destroyed unused, by cause.",
        labels: [.of("cause", "dropped", "given_up")])
    static let poolIdle = MetricDescription(
        "e2b_gateway_pool_idle_seconds_total", .counter,
        "Time that warm sandboxes have waited, all together: what they cost.")

    static let reconciliation = [reconciliations, reconciliationDrift, doubtfulCreates]

    static let reconciliations = MetricDescription(
        "e2b_gateway_reconciliations_total", .counter, "Comparisons of upstream with the ledger, by result.",
        labels: [.of("result", "done", "failed")])
    static let reconciliationDrift = MetricDescription(
        "e2b_gateway_reconciliation_drift_total", .counter,
        "Sandboxes that were not upstream what they are by the ledger, by kind.",
        labels: [.of("kind", "lost", "stray", "sleepless", "asleep")])
    static let doubtfulCreates = MetricDescription(
        "e2b_gateway_doubtful_creates", .gauge, "Creates of which it is not known whether they made a sandbox.")
}

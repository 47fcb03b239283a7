import Ledger
import Quota

// What calls are, and what becomes of them.
extension MetricDescription {
    static let calls = [
        callsTotal, callDuration, timeToFirstByte, callsInFlight, streamsOpen, bodyBytes, refusals, stageDuration,
        executions, executionsRunning, runtime, tenantCalls, tenantRefusals, tenantRuntime,
    ]

    static let callsTotal = MetricDescription(
        "e2b_gateway_calls_total", .counter,
        "Calls, by what was called, the class of their status, and what became of them.",
        labels: [
            .of("door", "callers", "administrators"), .open("operation"),
            .of("status", "1xx", "2xx", "3xx", "4xx", "5xx"),
            .of("outcome", "completed", "refused", "failed", "broken_off"),
        ])
    static let callDuration = MetricDescription(
        "e2b_gateway_call_duration_seconds", times,
        "From the arrival of a call's head to the end of its reply: for replies of known length, until they are ready.",
        labels: [.of("door", "callers", "administrators"), .open("operation")], seriesLimit: 150)
    static let timeToFirstByte = MetricDescription(
        "e2b_gateway_time_to_first_byte_seconds", times,
        "From the arrival of a call's head to the first byte of its reply's body.",
        labels: [.of("door", "callers", "administrators"), .open("operation")], seriesLimit: 150)
    static let callsInFlight = MetricDescription(
        "e2b_gateway_calls_in_flight", .gauge, "Calls that have arrived and are not at their end.",
        labels: [.of("door", "callers", "administrators")])
    static let streamsOpen = MetricDescription(
        "e2b_gateway_streams_open", .gauge, "Replies under way whose end is not known beforehand.",
        labels: [.of("door", "callers", "administrators")])
    static let bodyBytes = MetricDescription(
        "e2b_gateway_body_bytes_total", .counter,
        "Bytes of bodies: of requests as read or as carried to a sandbox, of replies as written.",
        labels: [.of("door", "callers", "administrators"), .of("direction", "in", "out")])
    static let refusals = MetricDescription(
        "e2b_gateway_refusals_total", .counter, "Calls that were refused or failed, by the problem they were told.",
        labels: [.of("door", "callers", "administrators"), .of("type", cases: ProblemType.self)])
    static let stageDuration = MetricDescription(
        "e2b_gateway_stage_duration_seconds", times, "How long each stage of a call took, whatever came of it.",
        labels: [.of("stage", cases: Stage.self)])
    static let executions = MetricDescription(
        "e2b_gateway_executions_total", .counter, "Executions that were settled, by their outcome.",
        labels: [.of("outcome", cases: Outcome.self)])
    static let executionsRunning = MetricDescription(
        "e2b_gateway_executions_running", .gauge, "Executions from their admission to their settlement.")
    static let runtime = MetricDescription(
        "e2b_gateway_runtime_seconds_total", .counter,
        "Runtime charged by this gateway's commits, for executions and for tenants' own sandboxes.",
        labels: [.of("kind", cases: Demand.Kind.self)])
    static let tenantCalls = MetricDescription(
        "e2b_gateway_tenant_calls_total", .counter, "Calls by tenants, and what became of them.",
        labels: [.open("tenant"), .of("outcome", "completed", "refused", "failed", "broken_off")],
        seriesLimit: perTenantLimit)
    static let tenantRefusals = MetricDescription(
        "e2b_gateway_tenant_refusals_total", .counter, "Refusals by tenants, by the problem they were told.",
        labels: [.open("tenant"), .of("type", cases: ProblemType.self)], seriesLimit: perTenantLimit)
    static let tenantRuntime = MetricDescription(
        "e2b_gateway_tenant_runtime_seconds_total", .counter, "Runtime that tenants were charged.",
        labels: [.open("tenant")], seriesLimit: perTenantLimit)

    /// ``TenantLabels`` bounds how many tenants are named; this is the last resort.
    private static let perTenantLimit = 10_000
}

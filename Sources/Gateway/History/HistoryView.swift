import Ledger

/// What went on, step by step: for charts.
struct HistoryView: Encodable {
    let range: String
    let stepSeconds: Int64
    /// Every step, the oldest first.
    let points: [Point]

    enum CodingKeys: String, CodingKey {
        case range, points
        case stepSeconds = "step_seconds"
    }

    init(_ range: HistoryRange, _ points: [HistoryPoint]) {
        self.range = range.rawValue
        stepSeconds = range.step.components.seconds
        self.points = points.map(Point.init)
    }

    /// A step. Counts are zero where nothing was counted, and what was not measured is null.
    struct Point: Encodable {
        let at: String
        let complete: Bool
        let calls: [String: Int64]
        let executions: [String: Int64]
        let refusals: [String: Int64]
        let latency: Latency
        let runtimeMilliseconds: Int64
        let upstream: Upstream
        let pool: Pool

        enum CodingKeys: String, CodingKey {
            case at, complete, calls, executions, refusals, upstream, pool
            case latency = "latency_ms"
            case runtimeMilliseconds = "runtime_ms"
        }

        init(_ point: HistoryPoint) {
            let step = point.step ?? HistoryStep()
            at = Timestamp.text(point.at)
            complete = point.isComplete
            calls = step.calls
            executions = step.executions
            refusals = step.refusals
            latency = Latency(step.latency)
            runtimeMilliseconds = step.runtimeMilliseconds
            upstream = Upstream(step.gauges)
            pool = Pool(step)
        }
    }

    /// Percentiles of how long calls for executions took, in milliseconds to a tenth.
    struct Latency: Encodable {
        let p50, p95, p99: Double?

        init(_ histogram: LatencyHistogram) {
            func percentile(_ part: Double) -> Double? {
                histogram.quantile(part).map { ($0 * 10).rounded() / 10 }
            }
            (p50, p95, p99) = (percentile(0.5), percentile(0.95), percentile(0.99))
        }

        enum CodingKeys: String, CodingKey { case p50, p95, p99 }

        func encode(to encoder: any Encoder) throws {
            var members = encoder.container(keyedBy: CodingKeys.self)
            try members.encode(p50, forKey: .p50)
            try members.encode(p95, forKey: .p95)
            try members.encode(p99, forKey: .p99)
        }
    }

    /// Levels at the end of the step, and the highest in it.
    struct Upstream: Encodable {
        let held, waiting, spare, limit, mostHeld, mostWaiting: Int64?

        init(_ gauges: [HistoryStep.Level: HistoryStep.Gauge]) {
            held = gauges[.held]?.last
            waiting = gauges[.waiting]?.last
            spare = gauges[.spare]?.last
            limit = gauges[.limit]?.last
            mostHeld = gauges[.held]?.most
            mostWaiting = gauges[.waiting]?.most
        }

        enum CodingKeys: String, CodingKey {
            case held, waiting, spare, limit
            case mostHeld = "most_held"
            case mostWaiting = "most_waiting"
        }

        func encode(to encoder: any Encoder) throws {
            var members = encoder.container(keyedBy: CodingKeys.self)
            try members.encode(held, forKey: .held)
            try members.encode(waiting, forKey: .waiting)
            try members.encode(spare, forKey: .spare)
            try members.encode(limit, forKey: .limit)
            try members.encode(mostHeld, forKey: .mostHeld)
            try members.encode(mostWaiting, forKey: .mostWaiting)
        }
    }

    struct Pool: Encodable {
        let ready: Int64?
        let hits, misses: Int64

        init(_ step: HistoryStep) {
            ready = step.gauges[.ready]?.last
            hits = step.poolHits
            misses = step.poolMisses
        }

        enum CodingKeys: String, CodingKey { case ready, hits, misses }

        func encode(to encoder: any Encoder) throws {
            var members = encoder.container(keyedBy: CodingKeys.self)
            try members.encode(ready, forKey: .ready)
            try members.encode(hits, forKey: .hits)
            try members.encode(misses, forKey: .misses)
        }
    }
}

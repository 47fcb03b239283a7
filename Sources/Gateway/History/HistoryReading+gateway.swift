import Ledger

extension HistoryReading {
    /// What a gateway has counted, and how it stands. Calls are those of callers, probes of health left out.
    init(_ metrics: MetricsSnapshot, _ watch: UpstreamWatch, _ ledger: Ledger) {
        let here = ["door": "callers"]
        func calls(_ labels: [String: String] = [:]) -> [String: Int64] {
            metrics.counts(of: .callsTotal, by: "outcome", where: here.merging(labels) { $1 })
        }
        counts.calls = calls()
        for probe in [Operation.getHealth, .getReadiness] {
            for (outcome, count) in calls(["operation": probe.rawValue]) { counts.calls[outcome, default: 0] -= count }
        }
        counts.executions = metrics.counts(of: .executions, by: "outcome")
        counts.refusals = metrics.counts(of: .refusals, by: "type", where: here)
        let executions = here.merging(["operation": Operation.createExecution.rawValue]) { $1 }
        counts.latency =
            metrics.histogram(of: .callDuration, where: executions).map(LatencyHistogram.init) ?? counts.latency
        counts.runtimeMilliseconds = ledger.chargedMilliseconds

        let load = watch.slots.load, pool = watch.pool.standing
        counts.poolHits = Int64(pool.hits)
        counts.poolMisses = Int64(pool.misses)
        levels = [.held: load.held, .waiting: load.waiting, .spare: watch.slots.spare, .ready: pool.ready]
        levels[.limit] = watch.slots.limit
    }
}

extension MetricsSnapshot {
    /// What a counter of whole things says, for each value of one label.
    fileprivate func counts(
        of metric: MetricDescription, by label: String, where labels: [String: String] = [:]
    ) -> [String: Int64] {
        sums(of: metric, by: label, where: labels).compactMapValues { Int64(exactly: $0.rounded()) }
    }
}

extension LatencyHistogram {
    /// Of seconds.
    fileprivate init(_ seconds: MetricsSnapshot.Histogram) {
        self.init()
        let bounds = [0] + seconds.bounds.map { Int64(($0 * 1_000_000).rounded()) }
        for (place, count) in seconds.counts.enumerated() {
            add(
                Int64(clamping: count),
                to: Bucket(from: bounds[place], to: place + 1 < bounds.count ? bounds[place + 1] : nil))
        }
    }
}

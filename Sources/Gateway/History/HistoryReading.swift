import Ledger

/// What has been counted since this process began, and where levels are.
struct HistoryReading: Sendable, Equatable {
    /// What only grows; without levels.
    var counts = HistoryStep()
    /// What goes up and down, as far as it can be told.
    var levels: [HistoryStep.Level: Int] = [:]
}

extension HistoryStep {
    /// What has come since an earlier reading of what only grows.
    func since(_ earlier: HistoryStep) -> HistoryStep {
        var step = HistoryStep()
        step.calls = calls.since(earlier.calls)
        step.executions = executions.since(earlier.executions)
        step.refusals = refusals.since(earlier.refusals)
        for (bucket, count) in latency.counts {
            step.latency.add(count - (earlier.latency.counts[bucket] ?? 0), to: bucket)
        }
        step.runtimeMilliseconds = max(0, runtimeMilliseconds - earlier.runtimeMilliseconds)
        step.poolHits = max(0, poolHits - earlier.poolHits)
        step.poolMisses = max(0, poolMisses - earlier.poolMisses)
        return step
    }
}

extension [String: Int64] {
    /// What has grown, and by how much.
    fileprivate func since(_ earlier: Self) -> Self {
        reduce(into: [:]) { grown, count in
            let more = count.value - (earlier[count.key] ?? 0)
            if more > 0 { grown[count.key] = more }
        }
    }
}

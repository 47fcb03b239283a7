import Quota

@testable import Ledger

extension HistoryStep {
    /// Anything that may have gone on in a minute.
    static func random(using generator: inout some RandomNumberGenerator) -> HistoryStep {
        var step = HistoryStep()
        for outcome in ["completed", "refused", "failed"] where Bool.random(using: &generator) {
            step.calls[outcome] = .random(in: 1...1_000, using: &generator)
            step.executions[outcome] = .random(in: 1...50, using: &generator)
        }
        if Bool.random(using: &generator) {
            step.refusals["rate-limited"] = .random(in: 1...9, using: &generator)
        }
        for _ in 0..<Int.random(in: 0...6, using: &generator) {
            step.latency.add(.random(in: 1...100, using: &generator), to: buckets.randomElement(using: &generator)!)
        }
        step.runtimeMilliseconds = .random(in: 0...60_000, using: &generator)
        step.poolHits = .random(in: 0...40, using: &generator)
        step.poolMisses = .random(in: 0...4, using: &generator)
        for level in Level.allCases where Int.random(in: 0..<4, using: &generator) > 0 {
            for _ in 0..<3 { step.note(.random(in: 0...100, using: &generator), of: level) }
        }
        return step
    }

    /// Of two versions of the gateway: the later one has other bounds.
    private static let buckets: [LatencyHistogram.Bucket] =
        [(0, 1_000), (1_000, 10_000), (10_000, 60_000_000), (0, 5_000), (5_000, 60_000_000)].map {
            LatencyHistogram.Bucket(from: $0, to: $1)
        } + [LatencyHistogram.Bucket(from: 60_000_000, to: nil)]

    /// All that only adds up.
    var counts: HistoryStep {
        var step = self
        step.gauges = [:]
        return step
    }
}

extension Sequence<HistoryStep> {
    /// What was counted in all of them.
    var counted: HistoryStep { reduce(into: HistoryStep()) { $0.append($1.counts) } }
}

import CoreMetrics
import Ledger

/// What is counted of the ledger's commits.
struct CommitMetrics: Sendable {
    private let written: Counter
    private let failed: Counter
    private let duration: CoreMetrics.Timer
    private let writes: Recorder

    init(_ registry: MetricsRegistry) {
        written = registry.counter(.ledgerCommits, ("result", "written"))
        failed = registry.counter(.ledgerCommits, ("result", "failed"))
        duration = registry.timer(.ledgerCommitDuration)
        writes = registry.recorder(.ledgerCommitWrites)
    }

    func committed(_ commit: CommitReport) {
        (commit.isWritten ? written : failed).increment()
        duration.record(commit.duration)
        writes.record(commit.writes)
    }
}

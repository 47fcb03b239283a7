extension MetricDescription {
    /// Every metric there is, in the order in which they are shown. `docs/metrics.md` explains each.
    static let all: [MetricDescription] =
        calls + upstream + pool + reconciliation + ledger + audit + process

    /// Buckets of what takes from a millisecond to a minute.
    static let times = Kind.histogram([
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ])
}

import CoreMetrics

/// A step on a call's way from its arrival to its end.
enum Stage: String, CaseIterable, Sendable {
    /// Who calls, and whether the rate allows it.
    case authenticate
    /// The ledger's verdict, with its audit record, on disk.
    case admit
    /// Waiting for room upstream.
    case queue
    /// The making of a sandbox.
    case create
    /// The code, from the sandbox in hand to its end.
    case execute
    /// What was used, with its audit record, on disk.
    case settle
}

/// Times the stages of calls, where each of them is told.
struct StageClock: Sendable {
    private let timers: [CoreMetrics.Timer]

    init(_ registry: MetricsRegistry) {
        timers = Stage.allCases.map { registry.timer(.stageDuration, ("stage", $0.rawValue)) }
    }

    /// Does the work of a stage. What it took counts whatever comes of it.
    func time<Value, Failure: Error>(
        _ stage: Stage, _ work: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let began = ContinuousClock.now
        defer { timers[stage.place].record(since: began) }
        return try await work()
    }
}

extension Stage {
    fileprivate var place: Int {
        switch self {
        case .authenticate: 0
        case .admit: 1
        case .queue: 2
        case .create: 3
        case .execute: 4
        case .settle: 5
        }
    }
}

extension CoreMetrics.Timer {
    /// Records how long ago an instant was.
    func record(since began: ContinuousClock.Instant) { record(ContinuousClock.now - began) }

    /// Records how long something took.
    func record(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}

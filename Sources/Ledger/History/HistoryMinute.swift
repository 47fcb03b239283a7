public import Quota

/// What one gateway did in a minute.
public struct HistoryMinute: Sendable, Hashable {
    /// The minute's first instant.
    public let at: Moment
    /// The gateway, by the number of its opening of the ledger.
    public let epoch: Int64
    /// What it did.
    public let step: HistoryStep

    /// - Parameter at: an instant in the minute.
    public init(at: Moment, epoch: Int64, step: HistoryStep) {
        self.at = at.start(of: .seconds(60))
        self.epoch = epoch
        self.step = step
    }

    /// What all gateways did in all these minutes: those of one minute side by side, then minute after minute.
    static func sum(_ minutes: some Sequence<HistoryMinute>) -> HistoryStep {
        let together = Dictionary(grouping: minutes, by: \.at).sorted { $0.key < $1.key }
        return together.reduce(into: HistoryStep()) { sum, minute in
            sum.append(minute.value.reduce(into: HistoryStep()) { $0.join($1.step) })
        }
    }
}

extension Moment {
    /// The first instant of the step that this one is in, counted from 1970.
    public func start(of step: Duration) -> Moment {
        let length = step.wholeNanoseconds
        return Moment(nanoseconds: nanoseconds - ((nanoseconds % length) + length) % length)
    }
}

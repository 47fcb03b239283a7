public import Quota

/// How far back is looked, and in which steps.
public enum HistoryRange: String, Sendable, CaseIterable {
    case hour = "1h"
    case day = "24h"
    case month = "30d"

    /// How long a step is.
    public var step: Duration {
        switch self {
        case .hour: .seconds(60)
        case .day: .seconds(600)
        case .month: .seconds(3_600)
        }
    }

    /// How many steps there are.
    public var count: Int {
        switch self {
        case .hour: 60
        case .day: 144
        case .month: 720
        }
    }

    /// The first instants of the steps, the oldest first; the last is the one that was under way right before `end`.
    func steps(until end: Moment) -> [Moment] {
        let last = (end - .nanoseconds(1)).start(of: step)
        return (0..<count).reversed().map { last - step * $0 }
    }
}

/// A step of what is drawn.
public struct HistoryPoint: Sendable, Hashable {
    /// The step's first instant.
    public let at: Moment
    /// What went on in it; nil if nobody wrote anything down.
    public let step: HistoryStep?
    /// Whether it is over, and all of it told.
    public let isComplete: Bool
}

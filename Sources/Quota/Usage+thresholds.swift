/// A runtime window of a tenant of which much is used.
public struct RuntimeThreshold: Sendable, Hashable {
    /// 80 or 100: so much of the limit is used, or more.
    public let percent: Int
    /// How the window stands.
    public let runtime: RuntimeRemaining
    /// The window's first instant.
    public let startsAt: Moment
}

extension Usage {
    /// At which parts of a runtime limit somebody is told, in percent.
    public static let thresholds = [80, 100]

    /// Which thresholds of the current windows are reached that were not before: each is told once, unless the limit is
    /// raised meanwhile and reached again. Of two reached at once the higher is told.
    public mutating func passThresholds(under policy: Policy, at now: Moment) -> [RuntimeThreshold] {
        remaining(under: policy, at: now).compactMap { runtime in
            let start = runtime.window.bounds(containing: now).lowerBound
            guard runtime.limitMilliseconds > 0,
                let index = windows.firstIndex(where: { $0.window == runtime.window && $0.startsAt == start })
            else { return nil }
            let told = windows[index].toldPercent
            let reached = Self.thresholds.last { runtime.hasUsed(percent: $0) } ?? 0
            windows[index].toldPercent = reached
            return reached > told ? RuntimeThreshold(percent: reached, runtime: runtime, startsAt: start) : nil
        }
    }
}

extension RuntimeRemaining {
    fileprivate func hasUsed(percent: Int) -> Bool {
        usedMilliseconds.multipliedSaturating(by: 100) >= limitMilliseconds.multipliedSaturating(by: Int64(percent))
    }
}

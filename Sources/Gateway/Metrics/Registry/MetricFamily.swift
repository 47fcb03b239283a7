import Synchronization

/// All series of one metric, made as they are first asked for, up to its bound.
final class MetricFamily: Sendable {
    let description: MetricDescription
    private let series = Mutex<[[String]: any MetricSeries]>([:])

    init(_ description: MetricDescription) { self.description = description }

    /// The series with these labels; beyond the bound, the one for all others.
    func series(_ dimensions: [(String, String)]) -> any MetricSeries {
        let values = description.values(of: dimensions)
        return series.withLock { all in
            if let known = all[values] { return known }
            let others = description.labels.map { _ in MetricDescription.other }
            let key = all.count - (all[others] == nil ? 0 : 1) < description.seriesLimit ? values : others
            if let known = all[key] { return known }
            let made = description.makeSeries()
            all[key] = made
            return made
        }
    }

    /// Forgets a series.
    func remove(_ gone: any MetricSeries) {
        series.withLock { all in all = all.filter { $0.value !== gone } }
    }

    /// Each series as it stands. Makers of new ones wait for as long as it takes to copy the list, and whoever measures for
    /// nothing but the copy of one series.
    func read() -> [MetricsSnapshot.Series] {
        series.withLock(\.self).map { labels, series in
            MetricsSnapshot.Series(labels: labels, value: series.value, createdAt: series.createdAt)
        }
    }
}

extension MetricDescription {
    fileprivate func makeSeries() -> any MetricSeries {
        switch kind {
        case .counter: CounterSeries()
        case .gauge, .info: GaugeSeries()
        case .histogram(let bounds): HistogramSeries(bounds: bounds)
        }
    }
}

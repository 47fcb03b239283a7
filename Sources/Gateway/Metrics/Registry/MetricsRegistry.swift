import CoreMetrics
import Foundation
import Synchronization

/// Where everything that is measured comes together: a backend of swift-metrics that knows which metrics there are, which
/// labels each may have, and how many series.
///
/// A counter or a gauge that somebody holds changes without a lock, a histogram under one of its own. Finding one takes a lock
/// that is held for a look-up, the first time for making it. Reading takes each for as long as it takes to copy what is there, and
/// none for longer: that is the most that whoever measures waits for whoever reads.
final class MetricsRegistry: MetricsFactory {
    /// Adds what is only known when somebody asks.
    typealias Standing = @Sendable (inout StandingFigures) -> Void

    private let families: [MetricFamily]
    private let byName: [String: MetricFamily]
    private let standings = Mutex<[Standing]>([])

    init(_ descriptions: [MetricDescription] = MetricDescription.all) {
        families = descriptions.map(MetricFamily.init)
        byName = Dictionary(families.map { ($0.description.name, $0) }) { first, _ in first }
    }

    /// Has somebody asked at each reading how it stands with them. It must answer at once, from memory.
    func add(_ standing: @escaping Standing) { standings.withLock { $0.append(standing) } }

    /// Everything as it is now.
    func snapshot() -> MetricsSnapshot {
        var standing = StandingFigures()
        for add in standings.withLock(\.self) { add(&standing) }
        return MetricsSnapshot(
            families: families.map { family in
                let series = family.read() + standing.series(of: family.description)
                return .init(
                    description: family.description,
                    series: series.sorted { $0.labels.lexicographicallyPrecedes($1.labels) })
            })
    }

    private func series<Handler>(_ label: String, _ dimensions: [(String, String)], as type: Handler.Type) -> Handler? {
        byName[label]?.series(dimensions) as? Handler
    }

    // MARK: Made for swift-metrics. What is in no catalogue goes nowhere.

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, as: CounterSeries.self) ?? NOOPMetricsHandler.instance
    }

    func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(label, dimensions, as: CounterSeries.self) ?? NOOPMetricsHandler.instance
    }

    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, as: GaugeSeries.self) ?? NOOPMetricsHandler.instance
    }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate {
            series(label, dimensions, as: HistogramSeries.self) ?? NOOPMetricsHandler.instance
        } else {
            series(label, dimensions, as: GaugeSeries.self) ?? NOOPMetricsHandler.instance
        }
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, as: HistogramSeries.self) ?? NOOPMetricsHandler.instance
    }

    func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
    func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    private func remove(_ handler: AnyObject) {
        guard let series = handler as? any MetricSeries else { return }
        for family in families { family.remove(series) }
    }
}

extension MetricsRegistry {
    func counter(_ metric: MetricDescription, _ labels: (String, String)...) -> Counter {
        Counter(label: metric.name, dimensions: labels, factory: self)
    }

    /// A counter of what comes in fractions.
    func amount(_ metric: MetricDescription, _ labels: (String, String)...) -> FloatingPointCounter {
        FloatingPointCounter(label: metric.name, dimensions: labels, factory: self)
    }

    func meter(_ metric: MetricDescription, _ labels: (String, String)...) -> Meter {
        Meter(label: metric.name, dimensions: labels, factory: self)
    }

    func timer(_ metric: MetricDescription, _ labels: (String, String)...) -> CoreMetrics.Timer {
        CoreMetrics.Timer(label: metric.name, dimensions: labels, factory: self)
    }

    /// A histogram of what is no time.
    func recorder(_ metric: MetricDescription, _ labels: (String, String)...) -> Recorder {
        Recorder(label: metric.name, dimensions: labels, aggregate: true, factory: self)
    }
}

/// Figures that are only known when somebody asks.
struct StandingFigures {
    private var figures: [String: [[String]: Double]] = [:]

    /// One series of a counter or a gauge.
    mutating func add(_ metric: MetricDescription, _ labels: KeyValuePairs<String, String> = [:], _ value: Double) {
        let values = metric.values(of: labels.map { ($0.key, $0.value) })
        guard figures[metric.name, default: [:]].count < metric.seriesLimit else { return }
        figures[metric.name, default: [:]][values] = value
    }

    /// The same of what is counted in whole numbers.
    mutating func add(_ metric: MetricDescription, _ labels: KeyValuePairs<String, String> = [:], _ value: Int) {
        add(metric, labels, Double(value))
    }

    fileprivate func series(of metric: MetricDescription) -> [MetricsSnapshot.Series] {
        (figures[metric.name] ?? [:]).map { labels, value in
            MetricsSnapshot.Series(labels: labels, value: .number(value), createdAt: ProcessFigures.startedAt)
        }
    }
}

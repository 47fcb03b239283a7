/// Metrics written for Prometheus (prometheus.io/docs/instrumenting/exposition_formats) or by OpenMetrics 1.0
/// (github.com/prometheus/OpenMetrics, specification/OpenMetrics.md).
struct MetricsExposition {
    private let format: ExpositionFormat
    private(set) var text = ""

    init(_ snapshot: MetricsSnapshot, as format: ExpositionFormat) {
        self.format = format
        text.reserveCapacity(64 << 10)
        for family in snapshot.families where !family.series.isEmpty { write(family) }
        if format == .openMetrics { text += "# EOF\n" }
    }

    private mutating func write(_ family: MetricsSnapshot.Family) {
        let metric = family.description
        switch format {
        case .prometheus:
            text += "# HELP \(metric.name) \(escaped(metric.help, quotes: false))\n"
            text += "# TYPE \(metric.name) \(metric.kind == .info ? "gauge" : metric.kind.word)\n"
        case .openMetrics:
            text += "# HELP \(metric.family) \(escaped(metric.help, quotes: true))\n"
            text += "# TYPE \(metric.family) \(metric.kind.word)\n"
            if let unit = metric.unit { text += "# UNIT \(metric.family) \(unit)\n" }
        }
        for series in family.series { write(series, of: metric) }
    }

    private mutating func write(_ series: MetricsSnapshot.Series, of metric: MetricDescription) {
        let labels = zip(metric.labels, series.labels).filter { !$1.isEmpty }
            .map { "\($0.name)=\"\(escaped($1, quotes: true))\"" }
        switch series.value {
        case .number(let number):
            write(metric.name, labels, Self.text(number))
            if metric.kind == .counter { writeCreation(of: series, metric, labels) }
        case .histogram(let histogram):
            var below: UInt64 = 0
            for (bound, count) in zip(histogram.bounds + [.infinity], histogram.counts) {
                below += count
                let edge = bound.isFinite ? "\(bound)" : "+Inf"
                write("\(metric.name)_bucket", labels + ["le=\"\(edge)\""], "\(below)")
            }
            write("\(metric.name)_sum", labels, Self.text(histogram.sum))
            write("\(metric.name)_count", labels, "\(below)")
            writeCreation(of: series, metric, labels)
        }
    }

    /// Tells whoever reads that a series began anew, which its figures alone cannot.
    private mutating func writeCreation(
        of series: MetricsSnapshot.Series, _ metric: MetricDescription, _ labels: [String]
    ) {
        guard format == .openMetrics else { return }
        write("\(metric.family)_created", labels, "\((series.createdAt * 1000).rounded() / 1000)")
    }

    private mutating func write(_ name: String, _ labels: [String], _ value: String) {
        text += name
        if !labels.isEmpty { text += "{\(labels.joined(separator: ","))}" }
        text += " \(value)\n"
    }

    private static func text(_ value: Double) -> String {
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        if value.isNaN { return "NaN" }
        return Int64(exactly: value).map(String.init) ?? "\(value)"
    }

    private func escaped(_ text: String, quotes: Bool) -> String {
        guard text.utf8.contains(where: "\\\n\"".utf8.contains) else { return text }
        let plain = text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        return quotes ? plain.replacing("\"", with: "\\\"") : plain
    }
}

extension MetricDescription.Kind {
    fileprivate var word: String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        case .info: "info"
        }
    }
}

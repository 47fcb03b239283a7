/// What a registry's metrics said at one instant, in the order of the catalogue.
struct MetricsSnapshot: Sendable {
    /// One metric with all its series, ordered by their labels.
    struct Family: Sendable {
        let description: MetricDescription
        let series: [Series]
    }

    /// One series.
    struct Series: Sendable {
        /// The values of the description's labels, in their order; empty where one was not given.
        let labels: [String]
        let value: Value
        /// Since when it counts, in seconds since 1970.
        let createdAt: Double
    }

    enum Value: Sendable, Equatable {
        case number(Double)
        case histogram(Histogram)
    }

    /// How often a figure lay in each bucket.
    struct Histogram: Sendable, Equatable {
        /// The upper bounds of the buckets but the last, which has none.
        let bounds: [Double]
        /// How many lay in each bucket; one more than there are bounds.
        let counts: [UInt64]
        /// All figures together.
        let sum: Double

        /// How many figures there were.
        var count: UInt64 { counts.reduce(0, +) }
    }

    let families: [Family]

    private func series(of metric: MetricDescription, where labels: [String: String]) -> [Series] {
        guard let family = families.first(where: { $0.description.name == metric.name }) else { return [] }
        let wanted = metric.labels.map { labels[$0.name] }
        return family.series.filter { series in
            zip(series.labels, wanted).allSatisfy { $1 == nil || $0 == $1 }
        }
    }

    /// What a counter or a gauge says, all its series that have these labels taken together; 0 if there is none.
    func sum(of metric: MetricDescription, where labels: [String: String] = [:]) -> Double {
        series(of: metric, where: labels).reduce(0) { sum, series in
            if case .number(let number) = series.value { sum + number } else { sum }
        }
    }

    /// The same for each value of one label.
    func sums(of metric: MetricDescription, by label: String, where labels: [String: String] = [:]) -> [String: Double]
    {
        guard let place = metric.labels.firstIndex(where: { $0.name == label }) else { return [:] }
        return series(of: metric, where: labels).reduce(into: [:]) { sums, series in
            if case .number(let number) = series.value { sums[series.labels[place], default: 0] += number }
        }
    }

    /// What a histogram says, all its series that have these labels taken together; nil if nothing was measured.
    func histogram(of metric: MetricDescription, where labels: [String: String] = [:]) -> Histogram? {
        series(of: metric, where: labels).reduce(nil as Histogram?) { merged, series in
            guard case .histogram(let histogram) = series.value else { return merged }
            return merged?.adding(histogram) ?? histogram
        }
    }
}

extension MetricsSnapshot.Histogram {
    /// Both together; they must have the same bounds.
    func adding(_ other: Self) -> Self {
        Self(bounds: bounds, counts: zip(counts, other.counts).map { $0 + $1 }, sum: sum + other.sum)
    }

    /// What has come since an earlier one of the same series.
    func since(_ earlier: Self?) -> Self {
        guard let earlier, earlier.count <= count else { return self }
        return Self(
            bounds: bounds, counts: zip(counts, earlier.counts).map { $0 - min($0, $1) },
            sum: max(0, sum - earlier.sum))
    }

    /// The figure below which this share of all lie, taken to lie evenly in its bucket; nil where there are none. What lies
    /// above the last bound is said to lie at it.
    func quantile(_ share: Double) -> Double? {
        let all = count
        guard all > 0 else { return nil }
        let rank = share * Double(all)
        var below = 0.0
        for (place, count) in counts.enumerated() where count > 0 {
            guard below + Double(count) >= rank else {
                below += Double(count)
                continue
            }
            guard place < bounds.count else { break }
            let floor = place > 0 ? bounds[place - 1] : 0
            return floor + (bounds[place] - floor) * max(0, rank - below) / Double(count)
        }
        return bounds.last
    }
}

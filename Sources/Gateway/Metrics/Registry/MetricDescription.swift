/// What a metric is: everything about it that does not change while the gateway runs.
struct MetricDescription: Sendable {
    /// What kind of figures its series are.
    enum Kind: Sendable, Equatable {
        /// Only grows, from the start of the process.
        case counter
        /// What is, as it is when asked.
        case gauge
        /// How often something took no more than each of these, ascending; how often in all, and all of it together.
        case histogram([Double])
        /// Always 1; its labels are what it says.
        case info
    }

    /// In full, as Prometheus' text format has it: a counter's ends in `_total`.
    let name: String
    let kind: Kind
    let help: String
    let labels: [MetricLabel]
    /// How many series it may have, the one for all others apart.
    let seriesLimit: Int

    /// Where no more series are made: what all the others together are called.
    static let other = "other"
    static let standardSeriesLimit = 500

    init(
        _ name: String, _ kind: Kind, _ help: String, labels: [MetricLabel] = [],
        seriesLimit: Int = standardSeriesLimit
    ) {
        self.name = name
        self.kind = kind
        self.help = help
        self.labels = labels
        self.seriesLimit = seriesLimit
    }

    /// The name without what says the kind: what OpenMetrics calls its family.
    var family: String {
        switch kind {
        case .counter: name.hasSuffix("_total") ? String(name.dropLast("_total".count)) : name
        case .info: name.hasSuffix("_info") ? String(name.dropLast("_info".count)) : name
        case .gauge, .histogram: name
        }
    }

    /// The unit that the name ends with, if it is one.
    var unit: String? { ["seconds", "bytes"].first { family.hasSuffix("_" + $0) } }

    /// The values of the labels in their order. A label that is not given is empty, one that is not known is dropped, and a value
    /// that is not among those a label may have is ``other``.
    func values(of dimensions: [(String, String)]) -> [String] {
        labels.map { label in
            guard let value = dimensions.first(where: { $0.0 == label.name })?.1 else { return "" }
            return label.values.isEmpty || label.values.contains(value) ? value : Self.other
        }
    }
}

/// A label that a metric may have.
struct MetricLabel: Sendable, Equatable {
    let name: String
    /// All that it may say; empty where that is not known beforehand.
    let values: Set<String>

    /// A label that says one of these.
    static func of(_ name: String, _ values: String...) -> MetricLabel { MetricLabel(name: name, values: Set(values)) }

    /// A label that says what a type's cases are called.
    static func of<Values: CaseIterable & RawRepresentable<String>>(
        _ name: String, cases: Values.Type
    ) -> MetricLabel {
        MetricLabel(name: name, values: Set(Values.allCases.map(\.rawValue)))
    }

    /// A label whose values are not known beforehand: only the metric's bound of series holds them.
    static func open(_ name: String) -> MetricLabel { MetricLabel(name: name, values: []) }
}

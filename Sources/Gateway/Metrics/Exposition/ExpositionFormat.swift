/// The two forms in which metrics are shown.
enum ExpositionFormat: Sendable, CaseIterable {
    /// Prometheus' text format, version 0.0.4.
    case prometheus
    /// OpenMetrics 1.0.
    case openMetrics

    var contentType: String {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// Picks by `Accept`: the highest quality, at equal quality the first named. Whoever accepts neither gets Prometheus' text:
    /// a figure in the wrong form is more use than none.
    init(accept: String?) {
        var best: (format: ExpositionFormat, quality: Double)?
        for range in accept?.split(separator: ",") ?? [] {
            let parts = range.split(separator: ";").map { $0.trimming(" ").lowercased() }
            guard let type = parts.first, let format = Self.matching(type, parts.dropFirst()) else { continue }
            let quality = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            if quality > best?.quality ?? 0 { best = (format, quality) }
        }
        self = best?.format ?? .prometheus
    }

    private static func matching(_ type: String, _ parameters: ArraySlice<String>) -> ExpositionFormat? {
        let version = parameters.first { $0.hasPrefix("version=") }?.dropFirst("version=".count)
        switch type {
        case "application/openmetrics-text":
            // 0.0.1 is what it was called before it was finished; whoever names no version takes any.
            return version.map { ["1.0.0", "0.0.1"].contains($0) } ?? true ? .openMetrics : nil
        case "text/plain", "text/*", "*/*": return version.map { $0 == "0.0.4" } ?? true ? .prometheus : nil
        default: return nil
        }
    }
}

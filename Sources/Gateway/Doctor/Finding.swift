/// What one check found.
public struct Finding: Codable, Sendable, Equatable {
    /// How bad it is.
    public enum Status: String, Codable, Sendable, CaseIterable {
        case ok
        /// It works, and will not for long, or not well.
        case warning
        case failed
        /// It was not examined; the detail says why.
        case skipped
    }

    /// Which check, in `a-z` and hyphens.
    public let name: String
    /// How bad it is.
    public let status: Status
    /// What was seen, with its units. Never a secret.
    public let detail: String
    /// What to do, where something is to be done.
    public let advice: String?
    /// Figures by name, whose end is the unit: `_ms`, `_s`, `_bytes`, `_days`; empty where nothing was measured.
    public let measured: [String: Double]

    init(_ name: String, _ status: Status, _ detail: String, advice: String? = nil, measured: [String: Double] = [:]) {
        self.name = name
        self.status = status
        // What others say is in it.
        self.detail = String(
            String.UnicodeScalarView(detail.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 })
        )
        self.advice = advice
        self.measured = measured
    }
}

extension Duration {
    /// With a thousandth's precision.
    var milliseconds: Double { (self / .microseconds(1)).rounded() / 1000 }

    /// For people: `0.4 ms`, `12 ms`, `1250 ms`.
    var inMilliseconds: String {
        let value = milliseconds
        return value < 10 ? "\((value * 10).rounded() / 10) ms" : "\(Int(value.rounded())) ms"
    }
}

/// One thing that happened while code ran.
public enum ExecutionEvent: Sendable, Equatable {
    /// Written to standard output; any number of characters, newlines included.
    case stdout(String)
    /// Written to standard error.
    case stderr(String)
    /// A displayed value: the last expression's, or one shown by `display`.
    case result(RichResult)
    /// An exception nobody caught; at most one. The traceback is IPython's, frames joined without newlines, and may
    /// be empty.
    case exception(name: String, value: String, traceback: String)
    /// A sign of life while the code is silent.
    case keepalive
}

/// A displayed value in every format it offers.
public struct RichResult: Sendable, Equatable {
    /// Whether it is the value of the last expression rather than something shown on the way.
    public let isMainResult: Bool
    /// By E2B's names: `text`, `html`, `markdown`, `svg`, `png`, `jpeg`, `pdf`, `latex`, `json`, `javascript`,
    /// `data`, `chart`, and `extra` for everything else. Binary formats are base64.
    public let formats: [String: JSONValue]

    /// A result.
    public init(isMainResult: Bool, formats: [String: JSONValue]) {
        self.isMainResult = isMainResult
        self.formats = formats
    }
}

extension RichResult: Codable {
    private static let mainResultKey = "is_main_result"

    /// Reads E2B's own shape: the formats beside `is_main_result`.
    public init(from decoder: any Decoder) throws {
        var fields = try decoder.singleValueContainer().decode([String: JSONValue].self)
        isMainResult = fields.removeValue(forKey: Self.mainResultKey) == .bool(true)
        formats = fields
    }

    /// Writes E2B's own shape: the formats beside `is_main_result`.
    public func encode(to encoder: any Encoder) throws {
        var fields = formats
        fields[Self.mainResultKey] = .bool(isMainResult)
        var container = encoder.singleValueContainer()
        try container.encode(fields)
    }
}

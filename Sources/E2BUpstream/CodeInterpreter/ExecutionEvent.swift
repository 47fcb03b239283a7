/// One thing that running code did, as the code interpreter tells it.
public enum ExecutionEvent: Sendable, Equatable {
    /// Text on standard output.
    case stdout(String)
    /// Text on standard error.
    case stderr(String)
    /// A displayed value or the cell's last expression.
    case result(RichResult)
    /// The code raised, or its interpreter died.
    case exception(name: String, value: String, traceback: String)
    /// A sign of life in a silence.
    case keepalive
}

/// A result in all the formats the code offered.
public struct RichResult: Sendable, Equatable {
    /// Whether it is the value of the cell's last expression.
    public let isMainResult: Bool
    /// By E2B's names: `text`, `html`, `png`, `chart`, `extra` …
    public let formats: [String: JSONValue]

    /// A result.
    public init(isMainResult: Bool, formats: [String: JSONValue]) {
        self.isMainResult = isMainResult
        self.formats = formats
    }
}

/// One line of the code interpreter's NDJSON: an event, a line that means nothing to us, or the end.
enum InterpreterLine: Sendable, Equatable {
    case event(ExecutionEvent)
    case ignored
    case end
}

extension InterpreterLine: Decodable {
    private enum Key: String, CodingKey {
        case type, text, name, value, traceback
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        func text(_ key: Key) throws -> String { try container.decode(String.self, forKey: key) }
        switch try text(.type) {
        case "stdout": self = .event(.stdout(try text(.text)))
        case "stderr": self = .event(.stderr(try text(.text)))
        case "error":
            self = .event(.exception(name: try text(.name), value: try text(.value), traceback: try text(.traceback)))
        case "result":
            guard case .object(var formats) = try JSONValue(from: decoder) else { throw Malformed() }
            formats["type"] = nil
            let isMainResult = formats.removeValue(forKey: "is_main_result") == .bool(true)
            self = .event(.result(RichResult(isMainResult: isMainResult, formats: formats)))
        case "keepalive": self = .event(.keepalive)
        case "end_of_execution": self = .end
        default: self = .ignored
        }
    }

    private struct Malformed: Error {}
}

import Auth
import Quota

/// The name of one run of one piece of code: `exe_` and 24 lowercase hex digits.
public struct ExecutionID: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The whole name, prefix included.
    public let text: String

    private static let prefix = "exe_"

    /// A new name, never given before; see ``SortableName``.
    public static func random() -> ExecutionID {
        ExecutionID(unchecked: prefix + SortableName.random())
    }

    /// The name in `text`, or nil unless it has the form.
    public init?(_ text: String) {
        guard SortableName.isValid(text, prefix: Self.prefix) else { return nil }
        self.init(unchecked: text)
    }

    private init(unchecked text: String) {
        self.text = text
    }

    /// The whole name, prefix included.
    public var description: String { text }

    /// Reads the name.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = ExecutionID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an execution id")
        }
        self = id
    }

    /// Writes the name.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

import Auth
import Quota

/// The name of one run of one piece of code: `exe_` and 24 lowercase hex digits.
public struct ExecutionID: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The whole name, prefix included.
    public let text: String

    private static let prefix = "exe_"

    /// A new name, never given before: five bytes of the time in steps of 16 ms, which do for 500 years, and seven random
    /// ones. Names that are made together sort together, so that indexes over them grow at one end and a commit of many
    /// executions touches few of their pages. They need not be secret: an execution shows itself to its tenant only.
    public static func random() -> ExecutionID {
        let steps = LedgerClock.realtime().milliseconds >> 4
        let time = (0..<5).reversed().map { UInt8(truncatingIfNeeded: steps >> (8 * $0)) }
        return ExecutionID(unchecked: prefix + Hex.text(time + SecureRandom.bytes(7)))
    }

    /// The name in `text`, or nil unless it has the form.
    public init?(_ text: String) {
        guard text.utf8.count == 28, text.hasPrefix(Self.prefix), Hex.bytes(text.dropFirst(4)) != nil else {
            return nil
        }
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

/// The public name of a key: 8 random bytes, printed as 16 lowercase hex digits.
public struct KeyID: Hashable, Sendable, Codable, CustomStringConvertible {
    static let length = 8

    private let value: UInt64

    /// A new, unpredictable id.
    public static func random() -> KeyID {
        KeyID(SecureRandom.bytes(length))
    }

    /// The id that `text` prints, or nil unless it is exactly 16 lowercase hex digits.
    public init?(_ text: String) {
        guard text.utf8.count == 2 * Self.length, let bytes = Hex.bytes(text) else { return nil }
        self.init(bytes)
    }

    /// From the first eight bytes, most significant first.
    init(_ bytes: some Sequence<UInt8>) {
        value = bytes.prefix(Self.length).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The eight bytes as they stand in a token.
    var bytes: [UInt8] { value.bigEndianBytes }

    /// 16 lowercase hex digits.
    public var description: String { Hex.text(bytes) }

    /// Reads the printed form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = KeyID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a key id")
        }
        self = id
    }

    /// Writes the printed form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// The 32 random bytes behind a key, from which its tokens are made.
public struct KeySecret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    static let length = 32

    let bytes: [UInt8]

    /// A new, unpredictable secret.
    public static func random() -> KeySecret {
        KeySecret(unchecked: SecureRandom.bytes(length))
    }

    /// A secret read back from where it was sealed; nil unless there are exactly 32 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == Self.length else { return nil }
        self.init(unchecked: bytes)
    }

    private init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The 32 bytes themselves, to be sealed and nothing else.
    public func exported() -> [UInt8] { bytes }

    /// Says what it is, never what it holds.
    public var description: String { "KeySecret(redacted)" }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Shows nothing to `dump` and to reflection.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why a text is no root key.
public enum RootKeyFailure: Error, Equatable, Sendable {
    /// It is not exactly 64 hexadecimal digits.
    case malformed
}

/// The 32 bytes under which all secrets at rest are sealed. It lives in a file or the environment, never in the ledger.
public struct RootKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    static let length = 32

    let bytes: [UInt8]

    /// A new, unpredictable root key.
    public static func random() -> RootKey {
        RootKey(bytes: SecureRandom.bytes(length))
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Reads 64 hexadecimal digits of either case, with nothing around them.
    public init(text: String) throws(RootKeyFailure) {
        guard text.utf8.count == 2 * Self.length, let bytes = Hex.bytes(text.lowercased()) else { throw .malformed }
        self.init(bytes: bytes)
    }

    /// The key itself as 64 lowercase hex digits, to be written to its file.
    public func exported() -> String { Hex.text(bytes) }

    /// Says what it is, never what it holds.
    public var description: String { "RootKey(redacted)" }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Shows nothing to `dump` and to reflection.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

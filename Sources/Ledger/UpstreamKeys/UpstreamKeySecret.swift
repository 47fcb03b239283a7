/// The text of an upstream key, as E2B issued it: to be sealed, and to be shown to E2B.
public struct UpstreamKeySecret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private static let longest = 512

    private let text: String

    /// Takes a key's text; nil unless it is 1 to 512 visible ASCII characters, with nothing around them.
    public init?(_ text: String) {
        guard (1...Self.longest).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { return nil }
        self.text = text
    }

    /// The key itself, for upstream and nobody else.
    public func exported() -> String { text }

    /// Says what it is, never what it holds.
    public var description: String { "UpstreamKeySecret(redacted)" }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Shows nothing to `dump` and to reflection.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// The gateway's own name of a sandbox that a tenant drives itself, given before upstream is asked for one: `sbx_` and 24
/// lowercase hex digits. Upstream's labels carry it, and so does every audit record that concerns the sandbox.
public struct SandboxHandle: Hashable, Sendable, CustomStringConvertible {
    /// The whole name, prefix included.
    public let text: String

    private static let prefix = "sbx_"

    /// A new name, never given before; see ``SortableName``.
    public static func random() -> SandboxHandle {
        SandboxHandle(unchecked: prefix + SortableName.random())
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
}

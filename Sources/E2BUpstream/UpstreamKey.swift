/// An E2B API key. Never printed.
public struct UpstreamKey: Sendable, CustomStringConvertible, CustomReflectable {
    let text: String

    /// The key as E2B gave it.
    public init(_ text: String) {
        self.text = text
    }

    /// A placeholder.
    public var description: String { "<E2B key>" }
    /// Nothing inside.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

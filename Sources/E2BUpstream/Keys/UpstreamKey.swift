/// An E2B API key. Its text leaves this type only as the `X-API-Key` of a control-plane request.
public struct UpstreamKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let secret: Secret

    /// Takes the key's text, as E2B issued it. Nothing is checked here: only E2B can tell.
    public init(_ text: String) {
        secret = Secret(text)
    }

    /// Never the key.
    public var description: String { "UpstreamKey(…)" }
    /// Never the key.
    public var debugDescription: String { description }
    /// Nothing: `dump` shows no secret either.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// A text that no description, dump or interpolation shows.
struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let text: String

    init(_ text: String) {
        self.text = text
    }

    var description: String { "…" }
    var debugDescription: String { "…" }
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// What a sandbox shall be. Network access is not among it: there is none.
public struct SandboxOrder: Sendable {
    /// The template's name or id, `[namespace/]alias[:tag]`.
    public var template: String
    /// Seconds until E2B destroys it by itself.
    public var lifetimeSeconds: Int
    /// Labels that come back in lists.
    public var metadata: [String: String]
    /// Makes a repeated create answer with the first one's sandbox: `[a-z0-9]`, at most 255. Version 1 of the API
    /// has no such thing and ignores it.
    public var idempotencyKey: String?

    /// An order.
    public init(
        template: String,
        lifetimeSeconds: Int,
        metadata: [String: String] = [:],
        idempotencyKey: String? = nil
    ) {
        self.template = template
        self.lifetimeSeconds = lifetimeSeconds
        self.metadata = metadata
        self.idempotencyKey = idempotencyKey
    }
}

/// A sandbox that was created, with the tokens that open it. No description shows them.
public struct Sandbox: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// E2B's id, `[a-z0-9-]`.
    public let id: String
    /// `X-Access-Token`, for its own daemon.
    let accessToken: Secret?
    /// `E2B-Traffic-Access-Token`, for its ports.
    let trafficToken: Secret?
    /// Its own domain, where it is not the one configured.
    let domain: String?

    /// The id only.
    public var description: String { "Sandbox(\(id))" }
    /// The id only.
    public var debugDescription: String { description }
    /// The id only: `dump` shows no secret either.
    public var customMirror: Mirror { Mirror(self, children: ["id": id]) }

    /// Whether a text may stand in a path and a host name as a sandbox's id.
    static func isIdentifier(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count) && text.wholeMatch(of: /[a-z0-9]+(-[a-z0-9]+)?/) != nil
    }
}

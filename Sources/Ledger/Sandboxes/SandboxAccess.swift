/// What opens a sandbox upstream: its real tokens and where it is. Sealed at rest; no description shows the tokens.
public struct SandboxAccess: Sendable, Hashable, Codable {
    /// `X-Access-Token`, for its own daemon.
    public let envdToken: String?
    /// `E2B-Traffic-Access-Token`, for its ports.
    public let trafficToken: String?
    /// Its own domain, where it is not the one configured.
    public let domain: String?
    /// The version of its daemon, by which SDKs tell what it can do.
    public let envdVersion: String

    /// Access as upstream gave it.
    public init(envdToken: String?, trafficToken: String?, domain: String?, envdVersion: String) {
        self.envdToken = envdToken
        self.trafficToken = trafficToken
        self.domain = domain
        self.envdVersion = envdVersion
    }
}

extension SandboxAccess: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// No token.
    public var description: String { "SandboxAccess(envd \(envdVersion), tokens redacted)" }
    /// No token.
    public var debugDescription: String { description }
    /// No token either.
    public var customMirror: Mirror { Mirror(self, children: ["envdVersion": envdVersion]) }
}

/// What a sandbox shall be.
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
    /// Environment variables of everything that runs in it.
    public var environment: [String: String]
    /// What of the network it may reach; by default nothing.
    public var egress: Egress
    /// Whether it is put to sleep, not destroyed, when its time is over.
    public var pausesAtEnd: Bool

    /// What of the network a sandbox may reach.
    public enum Egress: Sendable, Hashable {
        /// Nothing.
        case none
        /// Everything but these addresses and networks (CIDR).
        case all(except: [String])
    }

    /// An order.
    public init(
        template: String,
        lifetimeSeconds: Int,
        metadata: [String: String] = [:],
        idempotencyKey: String? = nil,
        environment: [String: String] = [:],
        egress: Egress = .none,
        pausesAtEnd: Bool = false
    ) {
        self.template = template
        self.lifetimeSeconds = lifetimeSeconds
        self.metadata = metadata
        self.idempotencyKey = idempotencyKey
        self.environment = environment
        self.egress = egress
        self.pausesAtEnd = pausesAtEnd
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
    public let domain: String?
    /// The version of its daemon, by which SDKs tell what it can do; empty where it was not said.
    public let envdVersion: String

    /// A sandbox that was made before, with what opens it.
    public init(id: String, accessToken: String?, trafficToken: String?, domain: String?, envdVersion: String = "") {
        self.id = id
        self.accessToken = accessToken.map { Secret($0) }
        self.trafficToken = trafficToken.map { Secret($0) }
        self.domain = domain
        self.envdVersion = envdVersion
    }

    /// The secret itself, to be kept sealed.
    public var exposedAccessToken: String? { accessToken?.text }
    /// The secret itself, to be kept sealed.
    public var exposedTrafficToken: String? { trafficToken?.text }

    /// The id only.
    public var description: String { "Sandbox(\(id))" }
    /// The id only.
    public var debugDescription: String { description }
    /// The id only: `dump` shows no secret either.
    public var customMirror: Mirror { Mirror(self, children: ["id": id]) }

    /// Whether a text may stand in a path and a host name as a sandbox's id.
    public static func isIdentifier(_ text: String) -> Bool {
        // By hand: every create asks, and a regular expression would be compiled each time.
        guard text.utf8.count <= 63 else { return false }
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), maxSplits: 1, omittingEmptySubsequences: false)
        return parts.allSatisfy { part in
            !part.isEmpty
                && part.allSatisfy {
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                }
        }
    }
}

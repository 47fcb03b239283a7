/// A live sandbox and what opens it. Its tokens stay in this module.
public struct Sandbox: Sendable, CustomStringConvertible, CustomReflectable {
    /// Upstream's id for it.
    public let id: String
    let domain: String?
    let accessToken: String?
    let trafficToken: String?

    /// Only the id.
    public var description: String { "sandbox \(id)" }
    /// Only the id.
    public var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}

/// What a create answers, as far as we need it.
struct CreatedSandbox: Decodable, Sendable {
    let sandboxID: String
    let domain: String?
    let envdAccessToken: String?
    let trafficAccessToken: String?

    /// - Throws: ``UpstreamFailure/broken(_:)`` if the id or the domain could not stand in a URL.
    func sandbox() throws(UpstreamFailure) -> Sandbox {
        guard SandboxID.isValid(sandboxID) else { throw .broken("the sandbox has no usable id") }
        if let domain, !UpstreamEndpoints.isHost(domain) { throw .broken("the sandbox has no usable domain") }
        return Sandbox(
            id: sandboxID, domain: domain, accessToken: envdAccessToken, trafficToken: trafficAccessToken
        )
    }
}

enum SandboxID {
    /// `[a-z0-9]+`, with the client id that older servers hang behind a hyphen, in a length that fits a DNS label.
    static func isValid(_ text: String) -> Bool {
        (1...57).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
            }
    }
}

/// A sandbox as upstream lists it.
public struct ListedSandbox: Decodable, Sendable {
    /// Upstream's id for it.
    public let id: String
    /// The stamps it was made with.
    public let metadata: [String: String]?
    /// `running` or `paused`.
    public let state: String?

    enum CodingKeys: String, CodingKey {
        case metadata, state
        case id = "sandboxID"
    }
}

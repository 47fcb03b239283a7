/// Where upstream is, as the E2B SDK reads `E2B_API_URL`, `E2B_SANDBOX_URL` and `E2B_DOMAIN`.
public struct UpstreamEndpoints: Sendable, Hashable {
    /// Base of the control plane, without a trailing slash; a path prefix is kept.
    let api: String
    /// Base of the data plane for all sandboxes, if one is given; else each sandbox has a host of its own.
    let sandboxes: String?
    /// Domain below which sandboxes have their hosts, unless a create names another.
    let domain: String

    static let defaultDomain = "e2b.app"

    /// - Parameters: the three settings' texts; `nil` or empty means not set.
    /// - Throws: ``UpstreamConfigurationFailure`` if a URL is not http or https, or the domain is none.
    public init(apiURL: String?, sandboxURL: String?, domain: String?) throws(UpstreamConfigurationFailure) {
        let domain = domain.flatMap { $0.isEmpty ? nil : $0 } ?? Self.defaultDomain
        guard Self.isHost(domain) else {
            throw UpstreamConfigurationFailure(setting: "E2B_DOMAIN", "must be a domain such as e2b.app")
        }
        self.domain = domain
        api = try Self.base(apiURL, "E2B_API_URL") ?? "https://api.\(domain)"
        sandboxes = try Self.base(sandboxURL, "E2B_SANDBOX_URL")
    }

    /// Base URL of a port of a sandbox.
    func base(port: Int, sandboxID: String, domain own: String?) -> String {
        sandboxes ?? "https://\(port)-\(sandboxID).\(own ?? domain)"
    }

    /// A domain as a create's reply may name it; anything else could send the sandbox's tokens elsewhere.
    static func isHost(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 253
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"):
                    true
                default: false
                }
            }
    }

    private static func base(
        _ text: String?, _ setting: String
    ) throws(UpstreamConfigurationFailure) -> String? {
        guard var text, !text.isEmpty else { return nil }
        guard text.hasPrefix("https://") || text.hasPrefix("http://") else {
            throw UpstreamConfigurationFailure(setting: setting, "must begin with https:// or http://")
        }
        while text.hasSuffix("/") { text.removeLast() }
        return text
    }
}

/// Why upstream's address cannot be used. Names the setting.
public struct UpstreamConfigurationFailure: Error, CustomStringConvertible, Equatable {
    /// One sentence for whoever set it.
    public let description: String

    init(setting: String, _ problem: String) {
        description = "\(setting) \(problem)"
    }
}

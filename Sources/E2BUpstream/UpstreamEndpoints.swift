/// Where E2B is, read from the same three settings as the official SDK and with the same meaning.
public struct UpstreamEndpoints: Sendable {
    /// Domains whose sandboxes are all reached through one host, `sandbox.DOMAIN`, by routing headers: the list
    /// `SUPPORTED_SANDBOX_DOMAINS` of the Python SDK 2.63 (`e2b/sandbox_domains.py`).
    private static let domainsWithOneHost: Set<String> = [
        "e2b.app", "e2b.dev", "e2b.pro", "e2b-staging.dev", "e2b-tango.dev", "e2b-juliett.dev", "foxtrot-2.e2b.dev",
    ]

    /// The control plane, without a slash at the end; a path prefix is kept.
    let controlPlane: String
    /// One address for every sandbox, or nil to derive it from the domain.
    private let sandboxes: String?
    private let domain: String

    /// Reads `E2B_API_URL`, `E2B_SANDBOX_URL` and `E2B_DOMAIN`; nil or empty means not set, and then
    /// `https://api.DOMAIN` and the domain `e2b.app` hold.
    ///
    /// - Throws: ``UpstreamConfigurationFailure`` naming the setting that is not a URL or a domain.
    public init(apiURL: String?, sandboxURL: String?, domain: String?) throws(UpstreamConfigurationFailure) {
        let domain = Self.given(domain) ?? "e2b.app"
        guard Self.isDomain(domain) else { throw .notADomain(setting: "E2B_DOMAIN") }
        self.domain = domain
        controlPlane = try Self.url(apiURL, setting: "E2B_API_URL") ?? "https://api.\(domain)"
        sandboxes = try Self.url(sandboxURL, setting: "E2B_SANDBOX_URL")
    }

    /// The address of a sandbox's port, without a slash at the end. The routing headers are sent in any case.
    ///
    /// - Parameter domain: what the sandbox's creation answered as its own domain, if anything.
    func sandbox(_ id: String, port: Int, domain own: String?) -> String {
        if let sandboxes { return sandboxes }
        let domain = Self.given(own).flatMap { Self.isDomain($0) ? $0 : nil } ?? self.domain
        return Self.domainsWithOneHost.contains(domain)
            ? "https://sandbox.\(domain)" : "https://\(port)-\(id).\(domain)"
    }

    private static func given(_ text: String?) -> String? {
        text.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func url(_ text: String?, setting: String) throws(UpstreamConfigurationFailure) -> String? {
        guard let text = given(text) else { return nil }
        let scheme = ["http://", "https://"].first { text.hasPrefix($0) }
        guard let scheme, text.utf8.count > scheme.utf8.count, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }),
            !text.contains("?"), !text.contains("#")
        else { throw .notAURL(setting: setting) }
        return String(text.reversed().drop { $0 == "/" }.reversed())
    }

    /// A host name, with a port if need be.
    private static func isDomain(_ text: String) -> Bool {
        text.wholeMatch(of: /[A-Za-z0-9]([A-Za-z0-9.\-]*[A-Za-z0-9])?(:[0-9]{1,5})?/) != nil
    }
}

/// A setting that says where E2B is, and does not.
public enum UpstreamConfigurationFailure: Error, Equatable, Sendable {
    /// The named setting must be an absolute `http` or `https` URL without query.
    case notAURL(setting: String)
    /// The named setting must be a host name, with a port if need be.
    case notADomain(setting: String)
}

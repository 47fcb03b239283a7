/// The domain below which every sandbox's port has a name of its own, `{port}-{id}.DOMAIN`.
struct GatewayDomain: Equatable, Sendable {
    /// `.gateway.example`, in lower case.
    private let suffix: String

    /// - Parameter domain: `GATEWAY_DOMAIN`; a port at its end is of no account here.
    init(_ domain: String) {
        suffix = "." + Self.host(of: domain)
    }

    /// The one label that stands before the domain; nil if the authority is no name directly below it.
    func label(of authority: String) -> Substring? {
        let host = Self.host(of: authority)
        guard host.hasSuffix(suffix) else { return nil }
        let label = host.dropLast(suffix.count)
        return label.isEmpty || label.contains(".") ? nil : label
    }

    /// In lower case, without the port, and without the dot that may end an absolute name.
    private static func host(of authority: String) -> String {
        var host = authority.lowercased()[...]
        if let colon = host.lastIndex(of: ":") { host = host[..<colon] }
        if host.last == "." { host = host.dropLast() }
        return String(host)
    }
}

import HTTPTypes

/// Which headers cross, in both directions. Towards what is E2B's an allow-list; towards what a tenant has put on a port of
/// its own everything but what belongs to the connection, to the gateway or to the way here.
enum ForwardedHeaders {
    // MARK: Up

    private static let towardsE2B = names([
        "Accept", "Accept-Encoding", "Accept-Language", "Content-Type", "Content-Encoding", "Content-Language", "Range",
        "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Keepalive-Ping-Interval",
    ])
    private static let prefixesTowardsE2B = ["connect-", "x-metadata-"]

    /// What belongs to one connection (RFC 9110, section 7.6.1) or follows from the body.
    private static let hopByHop = names([
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "HTTP2-Settings", "Content-Length", "Expect", "Host",
    ])
    private static let ownUpwards = names([
        "X-Access-Token", "E2B-Traffic-Access-Token", "X-API-Key", "Forwarded", "Via", "X-Real-Ip", "X-Request-Id",
        "Signature", "Signature-Input",
    ])
    private static let ownPrefixesUpwards = ["e2b-", "x-forwarded-"]

    /// The headers of a call as upstream gets them.
    static func upwards(_ headers: HTTPFields, by route: SandboxRoute, to port: Int) -> HTTPFields {
        let connection = named(by: headers)
        return HTTPFields(
            headers.filter { field in
                let name = field.name.canonicalName
                if field.name == .authorization { return mayCross(authorization: field.value, route, port) }
                guard route.isUserPort else {
                    return towardsE2B.contains(name) || prefixesTowardsE2B.contains { name.hasPrefix($0) }
                }
                return !hopByHop.contains(name) && !connection.contains(name) && !ownUpwards.contains(name)
                    && !ownPrefixesUpwards.contains { name.hasPrefix($0) }
            })
    }

    /// `Basic` names the user to E2B's daemon. What a tenant's own server asks for is between it and its callers, unless it
    /// is a token of ours that went astray.
    private static func mayCross(authorization: String, _ route: SandboxRoute, _ port: Int) -> Bool {
        if route.isUserPort { return !authorization.lowercased().contains("e2b_") }
        return port == SandboxAddress.daemonPort && authorization.lowercased().hasPrefix("basic ")
    }

    // MARK: Down

    private static let fromE2B = names([
        "Content-Type", "Content-Encoding", "Content-Language", "Content-Length", "Content-Range",
        "Content-Disposition", "Accept-Ranges", "ETag", "Last-Modified", "Cache-Control", "Vary", "Retry-After",
    ])
    private static let prefixesFromE2B = ["connect-"]
    private static let notDownwards = hopByHop.subtracting(["content-length"]).union(
        names([
            "Set-Cookie", "Server", "Via", "Alt-Svc", "Strict-Transport-Security", "Date", "X-Request-Id",
            "X-Powered-By",
        ]))
    private static let notPrefixesDownwards = ["e2b-", "x-forwarded-"]

    /// The headers of an answer as the caller gets them.
    ///
    /// - Parameter address: upstream's own, which is not told.
    static func downwards(_ headers: HTTPFields, by route: SandboxRoute, from address: String) -> HTTPFields {
        let connection = named(by: headers)
        var passed = HTTPFields(
            headers.filter { field in
                let name = field.name.canonicalName
                guard route.isUserPort else {
                    return fromE2B.contains(name) || prefixesFromE2B.contains { name.hasPrefix($0) }
                }
                return !notDownwards.contains(name) && !connection.contains(name)
                    && !notPrefixesDownwards.contains { name.hasPrefix($0) }
            })
        if let location = passed[.location], let rest = path(of: location, at: address) { passed[.location] = rest }
        return passed
    }

    /// What follows upstream's own address in a redirect; nil if it leads elsewhere.
    private static func path(of location: String, at address: String) -> String? {
        let host = address.split(separator: "/", omittingEmptySubsequences: true).dropFirst().first ?? ""
        guard let scheme = ["http://", "https://", "//"].first(where: { location.hasPrefix($0) }) else { return nil }
        let rest = location.dropFirst(scheme.count)
        guard !host.isEmpty, rest.lowercased().hasPrefix(host.lowercased()) else { return nil }
        let path = rest.dropFirst(host.count)
        guard path.first == nil || path.first == "/" || path.first == "?" else { return nil }
        return path.first == "/" ? String(path) : "/" + path
    }

    // MARK: Names

    /// The headers that `Connection` says belong to it.
    private static func named(by headers: HTTPFields) -> Set<String> {
        Set(
            headers[values: .connection].flatMap { $0.split(separator: ",") }.map { $0.trimming(" ").lowercased() })
    }

    private static func names(_ names: [String]) -> Set<String> { Set(names.map { $0.lowercased() }) }
}

import HTTPTypes

/// Which half of the gateway a request is for: its own routes, or a sandbox.
enum Plane: Equatable, Sendable {
    /// The gateway's own.
    case gateway
    /// A sandbox's port.
    case sandbox(SandboxAddress)
    /// Neither: the address cannot be read.
    case unreadable(SandboxAddress.Fault)

    /// The first segments of paths that are the gateway's own whatever the headers say: its own, and those of E2B's control
    /// plane. An SDK has sent routing headers with control calls.
    private static let ownSegments: Set<String> = [
        "v1", "v2", "v3", "sandboxes", "healthz", "readyz", "problems", "mcp", "console", "admin", "teams", "api-keys",
        "access-tokens", "templates", "snapshots", "volumes", "volumecontent", "secrets", "nodes", "events",
    ]

    /// Decides by the host name, else by the path, else by the routing headers.
    ///
    /// - Parameter target: the request's path and query as they came.
    static func of(_ head: HTTPRequest, target: String, domain: ServedDomain?) -> Plane {
        do throws(SandboxAddress.Fault) {
            if let authority = head.authority, let named = try SandboxAddress.named(by: authority, below: domain) {
                try named.agree(with: head.headerFields)
                return .sandbox(named)
            }
            guard !isOwn(target) else { return .gateway }
            if let named = try SandboxAddress.named(by: head.headerFields) { return .sandbox(named) }
            guard isSignedFile(target) else { return .gateway }
            return .sandbox(SandboxAddress(sandboxID: nil, port: SandboxAddress.daemonPort))
        } catch {
            return .unreadable(error)
        }
    }

    private static func isOwn(_ target: String) -> Bool {
        // What is malformed here is refused there, and with routing headers it is no path of the gateway's either.
        guard let path = try? DataPath(target: target) else { return false }
        return ownSegments.contains(path.segments[0])
    }

    private static func isSignedFile(_ target: String) -> Bool {
        guard let path = try? DataPath(target: target), path.segments == [SandboxRoute.filesClass] else { return false }
        return path.parameters.contains { $0.name == SignedFile.signatureName }
    }
}

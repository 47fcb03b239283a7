import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#endif

/// What a ``LocalE2B`` is told at its start.
public struct LocalE2BConfiguration: Sendable {
    /// Address to listen on. Whoever reaches it may run code in sandboxes.
    public var host = "127.0.0.1"
    /// TCP port to listen on; 0 takes any free one.
    public var port = 3000
    /// Where the same is served over TLS as well; `nil`: nowhere.
    public var tls: LocalE2BTLS?
    /// Path of a file that names the API keys to accept, one a line: the key, a space, its team. Read at each request;
    /// `nil`: any key of E2B's form is accepted, and all are of one team.
    public var keysFile: String?
    /// Path of the Python virtual environment that sandboxes run, made of the system's Python
    /// (`/usr` and the environment itself are all a sandbox sees of the machine).
    public var environment: String
    /// Sandboxes kept ready, with the data libraries loaded (about 150 MiB each); 0 keeps none.
    public var warmSandboxes = 2
    /// Sandboxes at once, the ready ones included, 1 to 256; a create beyond that is refused with 429.
    public var maximumSandboxes = 16
    /// What each sandbox may use.
    public var limits = SandboxLimits()

    /// A configuration with the defaults above.
    /// - Parameter environment: the virtual environment; by default ``defaultEnvironment()``.
    public init(environment: String = LocalE2BConfiguration.defaultEnvironment()) {
        self.environment = environment
    }

    /// Where the virtual environment is expected: `LOCAL_E2B_VENV` if set, else
    /// `/opt/e2b-gateway/sandbox-venv` for root and `~/.local/share/e2b-gateway/sandbox-venv` for others.
    public static func defaultEnvironment() -> String {
        let environment = ProcessInfo.processInfo.environment
        if let path = environment["LOCAL_E2B_VENV"], !path.isEmpty { return path }
        if geteuid() == 0 { return "/opt/e2b-gateway/sandbox-venv" }
        return (environment["HOME"] ?? "/") + "/.local/share/e2b-gateway/sandbox-venv"
    }

    /// Which API keys open the server.
    var keys: APIKeys { keysFile.map { .file(path: $0) } ?? .any }

    func validated() throws(LocalE2BFailure) {
        func require(_ condition: Bool, _ demand: String) throws(LocalE2BFailure) {
            if !condition { throw .invalidConfiguration(demand) }
        }
        try require((0...65535).contains(port), "port must be between 0 and 65535, not \(port)")
        try require(
            (1...256).contains(maximumSandboxes),
            "maximumSandboxes must be between 1 and 256, not \(maximumSandboxes)"
        )
        try require(warmSandboxes >= 0, "warmSandboxes must not be negative, but is \(warmSandboxes)")
        try require(environment.hasPrefix("/"), "environment must be an absolute path, not '\(environment)'")
        try limits.validated()
        try tls?.validated()
        do {
            try keys.validated()
        } catch {
            throw .invalidConfiguration("the file of API keys: \(error)")
        }
    }
}

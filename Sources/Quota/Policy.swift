/// A tenant's limits.
public struct Policy: Hashable, Sendable, Codable {
    /// How often it may call.
    public var rate: Rate
    /// Executions at once: 0 to 100,000.
    public var executions: Int
    /// Live sandboxes at once, those of executions not counted: 0 to 100,000.
    public var sandboxes: Int
    /// Upstream's sandboxes that are free for it whatever others do, those of executions counted: 0 to 100,000.
    public var guaranteedSandboxes: Int
    /// Runtime in milliseconds for each kind of window that is limited: 0 or more.
    public var runtime: [RuntimeWindow: Int64]
    /// The longest execution, and how long one may take that does not say: 1 ms to 24 h.
    public var timeoutMilliseconds: Int64
    /// The largest request body: 1 KiB to 1 GiB.
    public var bodyBytes: Int
    /// The largest code: 1 byte to 1 GiB.
    public var codeBytes: Int
    /// The largest context data: 0 to 1 GiB.
    public var contextBytes: Int
    /// The most output one reply holds: 0 to 1 GiB.
    public var outputBytes: Int
    /// Templates it may use: 1 to 64 names.
    public var templates: [String]
    /// Whether sandboxes of the SDK door may reach the internet; executions never do.
    public var egress: Bool
    /// Ports of a sandbox that are reachable from outside: up to 32, each 1 to 65,535.
    public var userPorts: [Int]
    /// Whether the code of executions is kept, sealed.
    public var recordsCode: Bool
    /// Whether only signed requests are accepted.
    public var signedOnly: Bool
    /// Whether admission only judges: a shadow policy neither refuses nor lowers. The rate is not part of it.
    public var shadow: Bool

    /// What a new tenant gets: 10 calls/s with a burst of 20, 5 executions and 5 sandboxes at once, 3,600 s a day, 30 s
    /// an execution, 8 MiB bodies, 1 MiB code, 5 MiB context, 10 MiB output, E2B's code interpreter, nothing else.
    public static let standard = Policy(
        rate: Rate(permits: 10, periodSeconds: 1, burst: 20), executions: 5, sandboxes: 5,
        guaranteedSandboxes: 0,
        runtime: [.day: 3_600_000], timeoutMilliseconds: 30_000,
        bodyBytes: 8 << 20, codeBytes: 1 << 20, contextBytes: 5 << 20, outputBytes: 10 << 20,
        templates: ["code-interpreter-v1"], egress: false, userPorts: [],
        recordsCode: false, signedOnly: false, shadow: false
    )
}

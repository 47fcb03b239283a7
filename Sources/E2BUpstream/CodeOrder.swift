public import CurlTransport

/// One piece of Python to run, with what belongs to it.
public struct CodeOrder: Sendable {
    /// Run unmodified, as if it were the first cell of a fresh IPython.
    public var code: String
    /// What the code sees as the string `context_data`; without it there is no such variable.
    public var contextData: String?
    /// Environment variables the code sees. No NUL anywhere, no `=` in a name, no empty name.
    public var environment: [String: String]
    /// Largest single event, in bytes of its JSON line.
    public var maximumEventBytes: Int
    /// For the whole of it: `total` counts from the call to the last event, `idle` is the longest silence. E2B breaks
    /// a silence every five seconds by itself.
    public var deadlines: Deadlines

    /// Code with nothing else; an event may have 32 MiB, a silence 30 s.
    public init(
        code: String,
        contextData: String? = nil,
        environment: [String: String] = [:],
        maximumEventBytes: Int = 32 << 20,
        deadlines: Deadlines = .init(idle: .seconds(30))
    ) {
        self.code = code
        self.contextData = contextData
        self.environment = environment
        self.maximumEventBytes = maximumEventBytes
        self.deadlines = deadlines
    }
}

/// Code to run in a fresh sandbox.
public struct CodeOrder: Sendable {
    /// The source, sent unmodified.
    public var code: String
    /// What the code sees as the string `context_data`; nothing if `nil`.
    public var contextData: String?
    /// Environment variables; names without `=`, nothing with a NUL.
    public var environment: [String: String]

    /// An order.
    public init(code: String, contextData: String? = nil, environment: [String: String] = [:]) {
        self.code = code
        self.contextData = contextData
        self.environment = environment
    }
}

/// What a call asks for.
public struct Demand: Sendable, Hashable {
    /// What kind of lease is wanted.
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        /// One run of one piece of code; counts against executions at once.
        case execution
        /// A sandbox the caller drives itself; counts against live sandboxes.
        case sandbox
    }

    /// What kind of lease is wanted.
    public let kind: Kind
    /// How long it may last, in milliseconds: 1 to ``longestTimeoutMilliseconds``.
    public let timeoutMilliseconds: Int64

    /// 24 hours, the longest a sandbox lives anywhere.
    public static let longestTimeoutMilliseconds: Int64 = 86_400_000

    /// A demand; a timeout out of range is moved to the nearer end.
    public init(kind: Kind, timeoutMilliseconds: Int64) {
        self.kind = kind
        self.timeoutMilliseconds = min(max(timeoutMilliseconds, 1), Self.longestTimeoutMilliseconds)
    }
}

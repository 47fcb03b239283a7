/// What of a tenant an administrator changes, all of it in one commit.
public struct TenantChange: Sendable, Hashable {
    /// Whether it is shut out.
    public enum Standing: Sendable, Hashable {
        /// Its calls are refused from now on. What it has running is ended, or goes on to its end.
        ///
        /// - Parameter because: why, in words that its callers are told.
        case suspended(because: String?, endsRunning: Bool)
        /// It is let in.
        case active
    }

    /// What it is called from now on; nil leaves that alone.
    public var name: String?
    /// Whether it is shut out; nil leaves that alone.
    public var standing: Standing?

    /// A change.
    public init(name: String? = nil, standing: Standing? = nil) {
        self.name = name
        self.standing = standing
    }
}

/// How a tenant stands against its rate, as a caller is told.
public struct RateStanding: Sendable, Hashable {
    /// Calls that could come right now.
    public var remaining: Int
    /// How long until a full burst could.
    public var fullIn: Duration

    /// A standing at some instant.
    public init(remaining: Int, fullIn: Duration) {
        self.remaining = remaining
        self.fullIn = fullIn
    }
}

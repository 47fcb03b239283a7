/// How the warm pool stands, and what it has done since the start.
public struct PoolStanding: Codable, Sendable, Equatable {
    /// Sandboxes that wait for a call now.
    public var ready = 0
    /// Sandboxes that are being made.
    public var making = 0
    /// At most so many are kept.
    public var maximum = 0
    /// Calls that found a sandbox ready.
    public var hits = 0
    /// Calls that had to have one made.
    public var misses = 0
    /// Sandboxes made for the pool.
    public var made = 0
    /// Sandboxes that could not be made, or did not work.
    public var failed = 0
    /// Sandboxes that were destroyed unused: too old, too many, of a key that was replaced, or because the gateway stopped.
    public var dropped = 0
    /// Sandboxes that were given up because calls wanted their room.
    public var givenUp = 0
    /// How long sandboxes have waited, all together: what upstream charges for without a tenant.
    public var idleMilliseconds: Int64 = 0

    enum CodingKeys: String, CodingKey {
        case ready, making, maximum, hits, misses, made, failed, dropped
        case givenUp = "given_up"
        case idleMilliseconds = "idle_ms"
    }
}

/// Runtime that a tenant was given once, beyond its windows: used when they are exhausted, and gone at an instant.
public struct RuntimeCredit: Sendable, Hashable, Codable {
    /// Its name, unique within the tenant.
    public let id: String
    /// How much was given: 1 ms or more.
    public internal(set) var milliseconds: Int64
    /// The first instant at which it gives nothing any more. What was reserved before goes on.
    public internal(set) var expiresAt: Moment
    /// Settled runtime.
    public internal(set) var usedMilliseconds: Int64
    /// Runtime that calls in flight may still use.
    public internal(set) var reservedMilliseconds: Int64

    /// A credit of which nothing is used.
    public init(id: String, milliseconds: Int64, expiresAt: Moment) {
        self.id = id
        self.milliseconds = milliseconds
        self.expiresAt = expiresAt
        usedMilliseconds = 0
        reservedMilliseconds = 0
    }

    /// What may still be reserved at `now`; never negative.
    public func remainingMilliseconds(at now: Moment) -> Int64 {
        guard now < expiresAt else { return 0 }
        return max(0, milliseconds.subtractedSaturating(usedMilliseconds.addedSaturating(reservedMilliseconds)))
    }
}

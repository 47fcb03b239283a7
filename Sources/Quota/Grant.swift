/// What an admission gave: the ceiling, and where it is reserved until settlement.
public struct Grant: Sendable, Hashable, Codable {
    /// A part of the ceiling, reserved in one window.
    public struct Reservation: Sendable, Hashable, Codable {
        /// The kind of window.
        public let window: RuntimeWindow
        /// The window's first instant.
        public let startsAt: Moment
        /// How much of the ceiling falls into it.
        public let milliseconds: Int64
    }

    /// What kind of lease it is.
    public let kind: Demand.Kind
    /// The ceiling in milliseconds: 1 or more, possibly less than was asked for.
    public let timeoutMilliseconds: Int64
    /// Whether the ceiling is lower than was asked for.
    public let wasLowered: Bool
    /// The ceiling cut along the calendar, once for each kind of window, in order of time.
    public let reservations: [Reservation]
}

/// What a settlement came to, in milliseconds.
public struct Settlement: Sendable, Hashable, Codable {
    /// The smaller of the time used and the ceiling.
    public let chargedMilliseconds: Int64
    /// What was used beyond the ceiling; reported, not charged.
    public let overrunMilliseconds: Int64
}

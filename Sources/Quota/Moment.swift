/// An instant in nanoseconds since the Unix epoch, good until the year 2262.
///
/// Whoever calls this module brings the instant; the module itself has no clock. Arithmetic saturates at the ends.
public struct Moment: Hashable, Comparable, Sendable, Codable {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public var nanoseconds: Int64

    /// An instant in nanoseconds since the Unix epoch.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// An instant in milliseconds since the Unix epoch.
    public init(milliseconds: Int64) {
        self.init(nanoseconds: milliseconds.multipliedSaturating(by: 1_000_000))
    }

    /// An instant in seconds since the Unix epoch.
    public init(seconds: Int64) {
        self.init(nanoseconds: seconds.multipliedSaturating(by: 1_000_000_000))
    }

    /// Whole milliseconds since the Unix epoch, rounded down.
    public var milliseconds: Int64 { nanoseconds.dividedRoundingDown(by: 1_000_000) }

    /// Whole seconds since the Unix epoch, rounded down.
    public var seconds: Int64 { nanoseconds.dividedRoundingDown(by: 1_000_000_000) }

    /// The earlier of two instants is the lesser.
    public static func < (left: Moment, right: Moment) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The instant `duration` later.
    public static func + (moment: Moment, duration: Duration) -> Moment {
        Moment(nanoseconds: moment.nanoseconds.addedSaturating(duration.wholeNanoseconds))
    }

    /// The instant `duration` earlier.
    public static func - (moment: Moment, duration: Duration) -> Moment {
        Moment(nanoseconds: moment.nanoseconds.subtractedSaturating(duration.wholeNanoseconds))
    }

    /// How long after `right` the instant `left` is; negative when it is before.
    public static func - (left: Moment, right: Moment) -> Duration {
        .nanoseconds(left.nanoseconds.subtractedSaturating(right.nanoseconds))
    }
}

extension Duration {
    /// The duration in whole nanoseconds, fractions dropped, held within what 64 bits can say (292 years).
    public var wholeNanoseconds: Int64 {
        components.seconds.multipliedSaturating(by: 1_000_000_000)
            .addedSaturating(components.attoseconds / 1_000_000_000)
    }

    /// The duration in whole milliseconds, rounded up: what a caller must wait at least.
    public var millisecondsRoundedUp: Int64 { -(-wholeNanoseconds).dividedRoundingDown(by: 1_000_000) }

    /// The duration in whole seconds, rounded up, as `Retry-After` wants it.
    public var secondsRoundedUp: Int64 { -(-wholeNanoseconds).dividedRoundingDown(by: 1_000_000_000) }
}

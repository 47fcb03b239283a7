/// What a tenant used and reserved of one calendar window.
public struct WindowUsage: Sendable, Hashable, Codable {
    /// The kind of window.
    public let window: RuntimeWindow
    /// The window's first instant.
    public let startsAt: Moment
    /// Settled runtime.
    public internal(set) var usedMilliseconds: Int64
    /// Runtime that calls in flight may still use.
    public internal(set) var reservedMilliseconds: Int64
    /// The highest threshold of the limit that somebody was told of, in percent; 0 for none.
    public internal(set) var toldPercent: Int

    init(window: RuntimeWindow, startsAt: Moment) {
        self.window = window
        self.startsAt = startsAt
        usedMilliseconds = 0
        reservedMilliseconds = 0
        toldPercent = 0
    }

    enum CodingKeys: String, CodingKey {
        case window, startsAt, usedMilliseconds, reservedMilliseconds, toldPercent
    }

    /// Reads a window; those of older ledgers know no thresholds.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        window = try fields.decode(RuntimeWindow.self, forKey: .window)
        startsAt = try fields.decode(Moment.self, forKey: .startsAt)
        usedMilliseconds = try fields.decode(Int64.self, forKey: .usedMilliseconds)
        reservedMilliseconds = try fields.decode(Int64.self, forKey: .reservedMilliseconds)
        toldPercent = try fields.decodeIfPresent(Int.self, forKey: .toldPercent) ?? 0
    }

    /// The first instant after the window.
    public var endsAt: Moment { window.bounds(containing: startsAt).upperBound }

    /// What counts against the limit.
    public var committedMilliseconds: Int64 { usedMilliseconds.addedSaturating(reservedMilliseconds) }
}

/// What is left of one runtime limit in the window that is current.
public struct RuntimeRemaining: Sendable, Hashable, Codable {
    /// The kind of window.
    public let window: RuntimeWindow
    /// The limit, the settled, the reserved and the remaining runtime, in milliseconds. Remaining is never negative.
    public let limitMilliseconds: Int64
    /// Settled runtime in milliseconds.
    public let usedMilliseconds: Int64
    /// Runtime that calls in flight may still use, in milliseconds.
    public let reservedMilliseconds: Int64
    /// When the window ends and all of the limit is there again.
    public let resetsAt: Moment

    /// What a call may still reserve, in milliseconds; never negative.
    public var remainingMilliseconds: Int64 {
        max(0, limitMilliseconds.subtractedSaturating(usedMilliseconds).subtractedSaturating(reservedMilliseconds))
    }
}

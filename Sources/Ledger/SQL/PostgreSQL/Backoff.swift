/// When a database that could not be reached may be tried again: at first soon, later every two seconds.
struct Backoff {
    private static let first = Duration.milliseconds(50)
    private static let longest = Duration.seconds(2)

    private var delay = Duration.zero
    /// Nil while nothing failed.
    private(set) var next: ContinuousClock.Instant?

    /// - Parameter chance: from 0 to 1, so that many gateways do not come back all at once.
    mutating func failed(at now: ContinuousClock.Instant, chance: Double) {
        delay = delay == .zero ? Self.first : min(delay * 2, Self.longest)
        next = now + delay * (0.5 + chance / 2)
    }

    mutating func succeeded() { self = Backoff() }

    func allows(at now: ContinuousClock.Instant) -> Bool { next.map { $0 <= now } ?? true }
}

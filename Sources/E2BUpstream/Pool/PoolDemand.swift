/// How many sandboxes were asked for of late, in steps of a quarter of a second, for five minutes.
///
/// Of warm sandboxes as many are of use as are asked for while one is being made: from it comes ``peak(within:at:)``.
struct PoolDemand: Sendable {
    typealias Instant = ContinuousClock.Instant

    static let step = Duration.milliseconds(250)
    static let memory = Duration.seconds(300)

    private let start: Instant
    private var counts = [Int](repeating: 0, count: Int(memory / step))
    /// The number of the newest step, since the start.
    private var newest = 0
    /// The step in which one was last asked for.
    private var lastAsked: Int?

    init(since start: Instant) {
        self.start = start
    }

    /// One was asked for.
    mutating func note(at now: Instant) {
        advance(to: now)
        counts[newest % counts.count] += 1
        lastAsked = newest
    }

    /// The most that were asked for within any time of this length, of what is remembered.
    mutating func peak(within length: Duration, at now: Instant) -> Int {
        advance(to: now)
        guard let lastAsked, newest - lastAsked < counts.count else { return 0 }
        let width = min(max(1, Int((length / Self.step).rounded(.up))), counts.count)
        var sum = 0, highest = 0
        // Oldest first: the window ends at each step in turn.
        for age in (0..<counts.count).reversed() {
            sum += count(age)
            if age + width < counts.count { sum -= count(age + width) }
            highest = max(highest, sum)
        }
        return highest
    }

    private func count(_ age: Int) -> Int {
        age > newest ? 0 : counts[(newest - age) % counts.count]
    }

    private mutating func advance(to now: Instant) {
        let step = max(newest, Int((now - start) / Self.step))
        for passed in stride(from: newest + 1, through: min(step, newest + counts.count), by: 1) {
            counts[passed % counts.count] = 0
        }
        newest = step
    }
}

/// Warm sandboxes of one kind, each of which is used once: how many there shall be, which one is next, which are too old.
///
/// Pure: facts with their instants in, orders out. `Item` is whatever stands for a sandbox.
///
/// As many are wanted as were asked for, in the last five minutes at most, while one was being made; between a minimum and a
/// maximum.
public struct PoolShelf<Item: Sendable>: Sendable {
    /// An instant of the clock that never goes back.
    public typealias Instant = ContinuousClock.Instant

    /// A warm sandbox.
    public struct Spare: Sendable {
        /// What stands for it.
        public let item: Item
        /// Since when it is ready.
        public let readySince: Instant
        /// When upstream destroys it by itself.
        public let endsAt: Instant
    }

    /// How long a spare must last at least after it is taken: until its time is set anew, and a little.
    public static var shortestRest: Duration { .seconds(60) }
    private static var firstPause: Duration { .seconds(1) }
    private static var longestPause: Duration { .seconds(60) }

    private var demand: PoolDemand
    /// The oldest comes first.
    public private(set) var ready: [Spare] = []
    /// How many are being made.
    public private(set) var making = 0
    /// How long it took of late from the order until a spare was ready.
    public private(set) var timeToMake = Duration.seconds(1)
    /// Makes fail: when the next may be ordered.
    private var notBefore: Instant?
    private var pause = firstPause

    /// An empty shelf.
    public init(at now: Instant) {
        demand = PoolDemand(since: now)
    }

    /// Whether it may be forgotten: it is empty and nobody has asked for long.
    public mutating func isIdle(at now: Instant) -> Bool {
        ready.isEmpty && making == 0 && demand.peak(within: .zero, at: now) == 0
    }

    /// How many there shall be, between a minimum and a maximum.
    public mutating func target(atLeast minimum: Int, atMost maximum: Int, at now: Instant) -> Int {
        min(max(demand.peak(within: timeToMake, at: now), minimum), maximum)
    }

    // MARK: Facts

    /// A call wants one: the one that has been ready longest, if any.
    public mutating func callCame(at now: Instant) -> Spare? {
        demand.note(at: now)
        return ready.firstIndex { $0.endsAt - now >= Self.shortestRest }.map { ready.remove(at: $0) }
    }

    /// A spare that was taken could not be used after all, and nothing is wrong with it.
    public mutating func putBack(_ spare: Spare) {
        ready.insert(spare, at: 0)
    }

    /// One more is being made.
    public mutating func ordered() {
        making += 1
    }

    /// One is ready.
    public mutating func made(_ item: Item, endsAt: Instant, took: Duration, at now: Instant) {
        making -= 1
        ready.append(Spare(item: item, readySince: now, endsAt: endsAt))
        timeToMake = (timeToMake * 3 + took) / 4
        notBefore = nil
        pause = Self.firstPause
    }

    /// One could not be made; upstream is left alone for a while.
    public mutating func failed(at now: Instant) {
        making -= 1
        guard notBefore.map({ $0 <= now }) ?? true else { return }
        notBefore = now + pause
        pause = min(pause * 2, Self.longestPause)
    }

    /// One that was being made is not wanted any more.
    public mutating func abandoned() {
        making -= 1
    }

    /// Takes out the spares of which this is true.
    public mutating func remove(where isUnwanted: (Item) -> Bool) -> [Spare] {
        let gone = ready.filter { isUnwanted($0.item) }
        ready.removeAll { isUnwanted($0.item) }
        return gone
    }

    // MARK: Orders

    /// How many more to make now.
    public mutating func toOrder(target: Int, at now: Instant) -> Int {
        if let notBefore, now < notBefore { return 0 }
        // After a failure one finds out whether it goes again.
        let most = notBefore == nil ? Int.max : max(0, 1 - making)
        return min(max(0, target - ready.count - making), most)
    }

    /// Takes out those that do not last long enough any more, and the oldest of those beyond the target.
    public mutating func toDrop(target: Int, at now: Instant) -> [Spare] {
        let tooMany = max(0, ready.count - target)
        var dropped = Array(ready.prefix(tooMany))
        ready.removeFirst(tooMany)
        dropped += ready.filter { $0.endsAt - now < Self.shortestRest }
        ready.removeAll { $0.endsAt - now < Self.shortestRest }
        return dropped
    }
}

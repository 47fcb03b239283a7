/// One gateway's order of creates, where several take from one rate.
public struct CreateOrder: Sendable, Hashable {
    /// The rate of all together.
    public var rate: Rate
    /// How many more it could use now, at least none.
    public var wanted: Int
    /// How many it has booked that have not gone yet.
    public var booked: Int

    /// An order.
    public init(rate: Rate, wanted: Int, booked: Int) {
        self.rate = rate
        self.wanted = wanted
        self.booked = booked
    }

    /// How far ahead gateways book, all of them together: so that none takes what others come to want.
    private static let horizon = Duration.milliseconds(250)

    private static let longestAhead = Duration.seconds(60)

    /// Books as many as are wanted and are this gateway's turn: at any rate one, else its part of what may go soon.
    ///
    /// - Parameters:
    ///   - state: where all together stand against the rate.
    ///   - gateways: how many share it.
    /// - Returns: how long until each may go, in order.
    public func book(from state: inout RateState, among gateways: Int, at now: Moment) -> [Duration] {
        let soon = Int(clamping: Self.horizon.wholeNanoseconds / rate.interval)
        let mine = max(1, soon / max(1, gateways)) - booked
        // Further ahead than all of them can have booked: the rate was another one, or the clock.
        let furthest = now + Self.longestAhead + .nanoseconds(rate.span.multipliedSaturating(by: Int64(2 + gateways)))
        return (0..<max(0, min(wanted, mine))).map { _ in
            // Unlike a call that is judged, it may be due after a burst from now: it waits until then.
            let due = min(max(state.nextFree ?? now, now), furthest)
            state.nextFree = due + .nanoseconds(rate.interval)
            return max(.zero, due - now - .nanoseconds(rate.tolerance))
        }
    }
}

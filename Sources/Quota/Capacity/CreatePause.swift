/// What holds creates back after upstream has said that it has no room.
///
/// Nothing goes until upstream may be asked again; then one create goes a second, and with each that is not refused
/// twice as many may, until after seven of them nothing is held back any more.
struct CreatePause: Sendable {
    private enum State: Sendable {
        /// Creates go as they come. Can become: paused.
        case open
        /// The next create may go at `next`, another one `gap` later. Can become: paused with a shorter gap or anew, open.
        case paused(next: Moment, gap: Duration)
    }

    private var state = State.open
    /// The last slot that was given away when upstream refused. What becomes of it and of those before says nothing
    /// about the time after the refusal.
    private var lastServingBefore: UInt64 = 0

    /// Longer than this nobody is left to wait, whatever upstream says: one create a minute harms nobody.
    private static let longest = Duration.seconds(60)
    private static let firstGap = Duration.seconds(1)
    private static let shortestGap = Duration.milliseconds(10)

    var isOpen: Bool {
        if case .open = state { true } else { false }
    }

    /// How long nothing may go; zero if something may.
    func wait(at now: Moment) -> Duration {
        guard case .paused(let next, _) = state else { return .zero }
        return max(.zero, next - now)
    }

    mutating func upstreamWasFull(retryAfter: Duration?, at now: Moment, lastServing: UInt64) {
        let asked = now + min(max(retryAfter ?? Self.firstGap, .zero), Self.longest)
        if case .paused(let next, _) = state {
            state = .paused(next: max(next, asked), gap: Self.firstGap)
        } else {
            state = .paused(next: asked, gap: Self.firstGap)
        }
        lastServingBefore = lastServing
    }

    mutating func createWent(at now: Moment) {
        guard case .paused(_, let gap) = state else { return }
        state = .paused(next: now + gap, gap: gap)
    }

    /// - Parameter serving: which of the slots given away the answer was for.
    mutating func upstreamWasNotFull(serving: UInt64) {
        guard case .paused(let next, let gap) = state, serving > lastServingBefore else { return }
        state = gap / 2 < Self.shortestGap ? .open : .paused(next: next - gap / 2, gap: gap / 2)
    }
}

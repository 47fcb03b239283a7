/// Keeps callers from queueing on a dead upstream: after some failures in a row nothing is asked of it for a while, then one
/// call finds out whether it is back. The pattern is Nygard's (Release It!, 2nd edition, chapter 5).
///
/// Pure: facts with their instants in, verdicts out.
struct CircuitBreaker {
    typealias Instant = ContinuousClock.Instant

    enum State: Equatable {
        /// All is well. Can become: open.
        case closed(failuresInARow: Int)
        /// Nothing is asked before `until`. Can become: half open.
        case open(until: Instant, pause: Duration)
        /// One call is finding out. Can become: closed, open.
        case halfOpen(pause: Duration)
    }

    /// A call that may be made; its outcome must be told.
    struct Permit {
        fileprivate let era: Int
        fileprivate let findsOut: Bool
    }

    enum Verdict {
        case go(Permit)
        case wait(Duration)
    }

    enum Outcome {
        /// Upstream is there, whatever it said.
        case answered
        case failed
        /// The call was given up; nothing was learnt.
        case unclear
    }

    static let tolerated = 5
    static let firstPause = Duration.seconds(5)
    static let longestPause = Duration.seconds(60)
    /// What those are told to wait who come while another finds out.
    private static let findingOut = Duration.seconds(1)

    private(set) var state = State.closed(failuresInARow: 0)
    /// Which time of being closed or half open this is. What was begun in an earlier one tells nothing of now.
    private var era = 0

    /// Whether a call may be made now.
    mutating func callWanted(at now: Instant) -> Verdict {
        switch state {
        case .closed:
            return .go(Permit(era: era, findsOut: false))
        case .open(let until, _) where now < until:
            return .wait(until - now)
        case .open(_, let pause):
            state = .halfOpen(pause: pause)
            era += 1
            return .go(Permit(era: era, findsOut: true))
        case .halfOpen:
            return .wait(Self.findingOut)
        }
    }

    /// How long a call would be kept waiting; asks for nothing.
    func wait(at now: Instant) -> Duration {
        switch state {
        case .closed: .zero
        case .open(let until, _): max(.zero, until - now)
        case .halfOpen: Self.findingOut
        }
    }

    /// What became of a call.
    mutating func callEnded(_ outcome: Outcome, of permit: Permit, at now: Instant) {
        guard permit.era == era else { return }
        switch (state, outcome) {
        case (.closed, .answered): state = .closed(failuresInARow: 0)
        case (.closed(let failures), .failed):
            if failures + 1 < Self.tolerated {
                state = .closed(failuresInARow: failures + 1)
            } else {
                open(for: Self.firstPause, at: now)
            }
        case (.halfOpen, .answered):
            era += 1
            state = .closed(failuresInARow: 0)
        case (.halfOpen(let pause), .failed): open(for: min(pause * 2, Self.longestPause), at: now)
        case (.halfOpen(let pause), .unclear): state = .open(until: now, pause: pause)
        case (.closed, .unclear), (.open, _): break
        }
    }

    private mutating func open(for pause: Duration, at now: Instant) {
        era += 1
        state = .open(until: now + pause, pause: pause)
    }
}

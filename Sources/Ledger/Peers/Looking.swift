import Synchronization

/// One look at what others changed at a time, however many want one: whoever comes while one is under way shares the next.
final class Looking: Sendable {
    typealias Outcome = Result<Void, LedgerFailure>

    /// What somebody who waits is told.
    private enum Word {
        /// A look is over that began after they came.
        case over(Outcome)
        /// It is their turn to look.
        case look
        /// Nobody is looking any more.
        case again
    }

    private struct State {
        var isUnderWay = false
        var waiting: [CheckedContinuation<Word, Never>] = []
    }

    private let state = Mutex(State())

    /// Returns when a look is over that began after this was called.
    ///
    /// - Parameter look: takes one.
    func next(_ look: @Sendable () async -> Outcome) async -> Outcome {
        while true {
            let isFirst = state.withLock { state in
                defer { state.isUnderWay = true }
                return !state.isUnderWay
            }
            switch isFirst ? .look : await withCheckedContinuation(wait) {
            case .over(let outcome): return outcome
            case .look: return await lead(look)
            case .again: continue
            }
        }
    }

    /// Looks for all who have come until now, and leaves the next look to one of those who come meanwhile.
    private func lead(_ look: @Sendable () async -> Outcome) async -> Outcome {
        let sharing = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        let outcome = await look()
        for waiter in sharing { waiter.resume(returning: .over(outcome)) }
        let next = state.withLock { state -> CheckedContinuation<Word, Never>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.isUnderWay = false
            return nil
        }
        next?.resume(returning: .look)
        return outcome
    }

    private func wait(_ continuation: CheckedContinuation<Word, Never>) {
        let isTooLate = state.withLock { state in
            guard state.isUnderWay else { return true }
            state.waiting.append(continuation)
            return false
        }
        if isTooLate { continuation.resume(returning: .again) }
    }
}

import Synchronization

/// The response head or the failure that came instead: settled once on libcurl's thread, awaited once by the sender.
final class HeadPromise: Sendable {
    typealias Outcome = Result<IncomingResponse, TransportFailure>

    private enum State {
        case open
        case awaited(CheckedContinuation<Outcome, Never>)
        case settled(Outcome)
        case over
    }

    private let state = Mutex(State.open)

    /// Settles it; later calls are ignored.
    func settle(_ outcome: Outcome) {
        let waiting = state.withLock { state -> CheckedContinuation<Outcome, Never>? in
            switch state {
            case .open: state = .settled(outcome)
            case .awaited(let continuation):
                state = .over
                return continuation
            case .settled, .over: break
            }
            return nil
        }
        waiting?.resume(returning: outcome)
    }

    /// Awaits the outcome.
    func outcome() async -> Outcome {
        await withCheckedContinuation { continuation in
            let settled = state.withLock { state -> Outcome? in
                if case .settled(let outcome) = state {
                    state = .over
                    return outcome
                }
                state = .awaited(continuation)
                return nil
            }
            if let settled { continuation.resume(returning: settled) }
        }
    }
}

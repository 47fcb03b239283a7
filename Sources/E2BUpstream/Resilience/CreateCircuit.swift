import Synchronization

/// The breaker that all creates pass.
public final class CreateCircuit: Sendable {
    /// How it stands.
    public enum Standing: Equatable, Sendable {
        case closed
        /// No create is asked of upstream for so long.
        case open(Duration)
        /// One create is finding out whether upstream is back, or the next one will.
        case halfOpen
    }

    private let breaker = Mutex(CircuitBreaker())

    /// How it stands now.
    public var standing: Standing {
        let now = ContinuousClock.now
        return breaker.withLock { breaker in
            switch breaker.state {
            case .closed: .closed
            case .open(let until, _): until > now ? .open(until - now) : .halfOpen
            case .halfOpen: .halfOpen
            }
        }
    }

    /// Fails at once where a create would not be asked of upstream now.
    public func check() throws(UpstreamFailure) {
        let wait = breaker.withLock { $0.wait(at: .now) }
        guard wait == .zero else { throw .suspended(retryAfter: wait) }
    }

    /// Makes a create, unless upstream is to be left alone.
    func guarding<Value: Sendable>(
        _ create: () async throws(UpstreamFailure) -> Value
    ) async throws(UpstreamFailure) -> Value {
        let permit: CircuitBreaker.Permit
        switch breaker.withLock({ $0.callWanted(at: .now) }) {
        case .go(let given): permit = given
        case .wait(let wait): throw .suspended(retryAfter: wait)
        }
        do {
            let value = try await create()
            breaker.withLock { $0.callEnded(.answered, of: permit, at: .now) }
            return value
        } catch {
            breaker.withLock { $0.callEnded(error.outcomeForBreaker, of: permit, at: .now) }
            throw error
        }
    }
}

extension UpstreamFailure {
    fileprivate var outcomeForBreaker: CircuitBreaker.Outcome {
        switch self {
        case .unreachable, .timedOut, .broken: .failed
        case .refused(let status, _): status >= 500 ? .failed : .answered
        case .capacity, .credentialRefused, .sandboxGone: .answered
        case .contextInvalid, .cancelled, .suspended: .unclear
        }
    }
}

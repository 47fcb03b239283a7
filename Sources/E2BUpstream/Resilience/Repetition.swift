import CurlTransport

/// When a call to the control plane may be made again: only where that cannot do its work twice.
enum Repetition {
    /// What it does is the same however often it is done.
    case harmless
    /// A create whose idempotency key upstream honours: whoever repeats it gets the first one's sandbox.
    case keyed
    /// It is not known what a second one would do; only one that certainly never left is made again.
    case uncertain

    /// How often a call is made at most.
    static let attempts = 3
    private static let firstPause = Duration.milliseconds(100)
    private static let longestPause = Duration.seconds(1)
    /// Whoever is asked to wait longer than this tells the caller so.
    private static let longestRequestedPause = Duration.seconds(2)

    /// How long to wait before a call is made again; nil if it is not.
    ///
    /// Half of the pause is left to chance, so that those that failed together do not come back together.
    func pause(after attempt: AttemptFailure, number: Int) -> Duration? {
        guard number < Self.attempts, isAllowed(after: attempt.kind) else { return nil }
        let pause = min(Self.firstPause * (1 << (number - 1)), Self.longestPause)
        let jittered = pause * Double.random(in: 0.5...1)
        guard case .busy(_, let requested?) = attempt.kind else { return jittered }
        return requested <= Self.longestRequestedPause ? requested + jittered : nil
    }

    private func isAllowed(after kind: AttemptFailure.Kind) -> Bool {
        switch (kind, self) {
        case (.notSent, _): true
        case (.lost, .harmless), (.lost, .keyed): true
        case (.busy, .harmless): true
        // Want of room is for the queue in front to wait out, not for a create.
        case (.busy(let status, _), .keyed): status == 502 || status == 504
        case (.inProgress, .keyed): true
        default: false
        }
    }
}

/// Why one attempt came to nothing, with what decides whether there may be another.
struct AttemptFailure: Error {
    enum Kind {
        /// It certainly never reached upstream.
        case notSent
        /// The connection was lost before the answer was complete.
        case lost
        /// Upstream, or what is in front of it, could not do it now (429, 502, 503, 504).
        case busy(status: Int, retryAfter: Duration?)
        /// An earlier attempt with the same idempotency key is still under way.
        case inProgress
        /// There is nothing to be gained by another.
        case final
    }

    let failure: UpstreamFailure
    let kind: Kind

    init(_ failure: TransportFailure, duringBody: Bool = false) {
        self.failure = duringBody ? UpstreamFailure(duringBody: failure) : UpstreamFailure(failure)
        kind =
            switch failure {
            case .refused, .unresolvable: .notSent
            case .brokenOff: .lost
            default: .final
            }
    }

    init(_ refusal: Refusal) {
        failure = refusal.failure(from: .controlPlane)
        kind =
            switch refusal.status {
            case 429, 502, 503, 504: .busy(status: refusal.status, retryAfter: refusal.retryAfter)
            case 409 where refusal.errorCode == "idempotency_in_progress": .inProgress
            default: .final
            }
    }

    init(_ failure: UpstreamFailure) {
        self.failure = failure
        kind = .final
    }
}

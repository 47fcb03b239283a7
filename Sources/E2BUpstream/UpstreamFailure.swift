public import CurlTransport

/// Why E2B did not do what was asked. No case carries a key, a token, code or context.
public enum UpstreamFailure: Error, Equatable, Sendable {
    /// No answer was had: no connection, or it was lost before the answer began.
    case unreachable(TransportFailure)
    /// It did not answer, or not finish, in time.
    case timedOut
    /// It has no room now (429, 503); `retryAfter` is what it asked us to wait.
    case capacity(retryAfter: Duration?)
    /// The control plane does not accept the key (401).
    case credentialRefused
    /// Any other refusal, with the upstream's own message, at most 300 characters of one line.
    case refused(status: Int, message: String)
    /// What it sent is not the protocol, or ended too early; the text says how.
    case broken(String)
    /// The sandbox does not exist any more.
    case sandboxGone
    /// The code's environment or context cannot be delivered as it is; the text says why. Nothing was sent.
    case contextInvalid(String)
    /// The task was cancelled.
    case cancelled
    /// Upstream has failed again and again and is left alone for so long; nothing was sent.
    case suspended(retryAfter: Duration)
}

extension UpstreamFailure {
    /// A failure before the response's head.
    init(_ failure: TransportFailure) {
        switch failure {
        case .cancelled: self = .cancelled
        case .idleTimedOut, .totalTimedOut: self = .timedOut
        case .malformedResponse: self = .broken("the answer is not HTTP")
        case .headersTooLarge: self = .broken("the answer's head is too large")
        case .bodyTooLarge(let limit): self = .broken("the answer is larger than \(limit) bytes")
        case .invalidRequest, .unresolvable, .refused, .connectTimedOut, .tlsFailed, .brokenOff, .uploadFailed,
            .stopped, .other:
            self = .unreachable(failure)
        }
    }

    /// A failure in the middle of the response's body.
    init(duringBody failure: TransportFailure) {
        switch failure {
        case .brokenOff: self = .broken("the connection was lost in the middle of the answer")
        default: self.init(failure)
        }
    }
}

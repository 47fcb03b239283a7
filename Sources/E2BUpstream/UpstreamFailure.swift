public import CurlTransport

/// Why upstream did not do what was asked. None of its texts reaches a caller unseen.
public enum UpstreamFailure: Error, Equatable, Sendable {
    /// No connection, or it broke before an answer began.
    case unreachable(TransportFailure)
    /// No answer within the deadline; what was asked for may have happened.
    case timedOut
    /// Upstream's own limit (429, 503).
    case capacity(retryAfter: Duration?)
    /// Upstream does not accept the key (401, 403).
    case credentialRefused
    /// Any other refusal.
    case refused(status: Int, message: String)
    /// An answer that is not the protocol, or one that broke off.
    case broken(String)
    /// The sandbox ended (502 `was not found`).
    case sandboxGone
    /// The order cannot be expressed: a NUL in the environment, for instance.
    case contextInvalid(String)
    /// The task was cancelled.
    case cancelled

    init(_ failure: TransportFailure) {
        self =
            switch failure {
            case .cancelled, .stopped: .cancelled
            case .connectTimedOut, .unresolvable, .refused, .tlsFailed: .unreachable(failure)
            case .idleTimedOut, .totalTimedOut: .timedOut
            case .brokenOff: .broken("the connection broke off")
            case .malformedResponse, .headersTooLarge: .broken("the answer is not HTTP")
            case .bodyTooLarge: .broken("the answer is too large")
            case .invalidRequest, .uploadFailed, .other: .unreachable(failure)
            }
    }
}

import CurlTransport

extension EdgeRefusal {
    /// Upstream gave no answer; what went wrong with its address is for the log only.
    init(_ failure: TransportFailure, of id: String) {
        switch failure {
        case .connectTimedOut, .idleTimedOut, .totalTimedOut: self = .timedOut(id)
        case .uploadFailed: self = .bodyBrokenOff
        case .stopped: self = .draining
        case .invalidRequest: self = .unreachable(id, cause: "not a request upstream could be sent")
        case .unresolvable: self = .unreachable(id, cause: "unresolvable")
        case .refused: self = .unreachable(id, cause: "refused")
        case .tlsFailed: self = .unreachable(id, cause: "TLS failed")
        case .brokenOff, .cancelled: self = .unreachable(id, cause: "broken off")
        case .malformedResponse, .headersTooLarge, .bodyTooLarge: self = .unreachable(id, cause: "not an answer")
        case .other(let code): self = .unreachable(id, cause: "libcurl \(code)")
        }
    }
}

import CurlTransport

extension TransportFailure {
    /// A word for logs and the audit; the TLS library's own where a certificate is at fault.
    var reason: String {
        switch self {
        case .invalidRequest: "invalid_request"
        case .unresolvable: "unresolvable"
        case .refused: "connection_refused"
        case .tlsFailed(let text): "tls_failed: \(text)"
        case .connectTimedOut: "connect_timed_out"
        case .idleTimedOut, .totalTimedOut: "timed_out"
        case .brokenOff: "broken_off"
        case .malformedResponse, .headersTooLarge, .bodyTooLarge: "malformed_answer"
        case .uploadFailed: "upload_failed"
        case .cancelled, .stopped: "stopped"
        case .other(let code): "libcurl_\(code)"
        }
    }
}

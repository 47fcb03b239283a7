/// What can go wrong with one HTTP exchange: a small closed set, so that every caller can decide each case.
///
/// No case carries a URL, a header or a body, so a failure may be logged as it is.
public enum TransportFailure: Error, Equatable, Sendable {
    /// The request could not be sent as given; the text says why. Nothing left this machine.
    case invalidRequest(String)
    /// The host name has no address.
    case unresolvable
    /// Nothing listens there, or the network refused the way.
    case refused
    /// The TLS handshake failed or the certificate did not verify; the text is the TLS library's own.
    case tlsFailed(String)
    /// No connection (queueing, resolving, connecting and TLS together) within ``Deadlines/connect``.
    case connectTimedOut
    /// No byte in either direction for ``Deadlines/idle``, while neither side of *this* process was the slow one.
    case idleTimedOut
    /// The exchange was not over within ``Deadlines/total``.
    case totalTimedOut
    /// The connection was lost before the response's end.
    case brokenOff
    /// What came back is not HTTP/1.
    case malformedResponse
    /// The response head is larger than ``CurlClient/Configuration/maximumHeaderBytes``.
    case headersTooLarge
    /// The response body is larger than what ``ResponseBody/collect(upTo:)`` was allowed, in bytes.
    case bodyTooLarge(limit: Int)
    /// The request body's source threw, or gave more or fewer bytes than its declared length.
    case uploadFailed
    /// The task was cancelled, or the response body was abandoned.
    case cancelled
    /// The client was shut down.
    case stopped
    /// Anything else, by libcurl's `CURLcode`.
    case other(code: Int32)
}

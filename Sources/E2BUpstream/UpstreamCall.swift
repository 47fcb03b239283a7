public import CurlTransport

/// What upstream is called for.
public enum UpstreamOperation: String, CaseIterable, Sendable {
    /// A cheap call, to learn whether upstream answers and takes a key.
    case probe
    case create, destroy, list, inspect, connect, pause
    case setTimeout = "set_timeout"
    /// Measurements of sandboxes.
    case measure
    /// What a sandbox has logged.
    case logs
    /// Code, for the code interpreter in a sandbox.
    case execute
    /// A call to a sandbox that is passed on.
    case forward
}

/// One call of upstream, as it went: every attempt is one.
public struct UpstreamCall: Sendable {
    /// What came of it.
    public enum Result: Sendable, Equatable {
        /// The head of an answer, with its status.
        case answered(Int)
        /// No answer.
        case failed(TransportFailure)
    }

    /// What for.
    public let operation: UpstreamOperation
    /// What came of it.
    public let result: Result
    /// Until the head of the answer was there, or it failed.
    public let duration: Duration
}

import CoreMetrics
import CurlTransport
import E2BUpstream

/// What is counted of calls of upstream.
struct UpstreamMetrics: Sendable {
    private struct Kind: Hashable, Sendable {
        let operation: UpstreamOperation
        let result: String
    }

    private let calls: InstrumentTable<Kind, Counter>
    private let durations: InstrumentTable<UpstreamOperation, CoreMetrics.Timer>

    init(_ registry: MetricsRegistry) {
        calls = InstrumentTable {
            registry.counter(.upstreamCalls, ("operation", $0.operation.rawValue), ("result", $0.result))
        }
        durations = InstrumentTable { registry.timer(.upstreamCallDuration, ("operation", $0.rawValue)) }
    }

    /// Upstream was called, once.
    func called(_ call: UpstreamCall) {
        calls[Kind(operation: call.operation, result: call.result.word)].increment()
        durations[call.operation].record(call.duration)
    }
}

extension UpstreamCall.Result {
    fileprivate var word: String {
        switch self {
        case .answered(let status): "\(status / 100)xx"
        case .failed(.refused), .failed(.unresolvable), .failed(.tlsFailed), .failed(.connectTimedOut): "unreachable"
        case .failed(.idleTimedOut), .failed(.totalTimedOut): "timed_out"
        case .failed(.cancelled), .failed(.stopped): "cancelled"
        case .failed(.invalidRequest), .failed(.brokenOff), .failed(.malformedResponse), .failed(.headersTooLarge),
            .failed(.bodyTooLarge), .failed(.uploadFailed), .failed(.other):
            "broken"
        }
    }
}

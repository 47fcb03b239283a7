import E2BUpstream
import Ledger
import Quota

/// The document that answers a finished execution, and, without the texts already streamed, its last event.
struct ExecutionReply: Encodable, Sendable {
    var type: String?
    let id: String
    let outcome: Outcome
    var output: String?
    var error: String?
    var results: [JSONValue]?
    var exception: RaisedException?
    let runtimeMilliseconds: Int64
    let grantedTimeoutMilliseconds: Int64
    let timeoutLowered: Bool
    let queuedMilliseconds: Int64
    var truncated: Bool

    enum CodingKeys: String, CodingKey {
        case type, id, outcome, output, error, results, exception, truncated
        case runtimeMilliseconds = "runtime_ms"
        case grantedTimeoutMilliseconds = "granted_timeout_ms"
        case timeoutLowered = "timeout_lowered"
        case queuedMilliseconds = "queued_ms"
    }

    /// The reply to a caller who reads one document.
    init(document: CollectedOutput, _ finished: FinishedExecution) {
        self.init(finished, error: document.errorText(finished.explanation), truncated: document.isTruncated)
        output = document.stdout
        results = document.results
        exception = document.exception
    }

    /// The last event for a caller who has been reading along.
    init(lastEvent seen: CollectedOutput, _ finished: FinishedExecution) {
        self.init(finished, error: seen.errorText(finished.explanation), truncated: seen.isTruncated)
        type = "finished"
    }

    private init(_ finished: FinishedExecution, error: String?, truncated: Bool) {
        id = finished.begun.id
        outcome = finished.ending.outcome
        self.error = error
        runtimeMilliseconds = finished.ending.runtimeMilliseconds
        grantedTimeoutMilliseconds = finished.begun.grantedTimeoutMilliseconds
        timeoutLowered = finished.begun.timeoutLowered
        queuedMilliseconds = finished.begun.queuedMilliseconds
        self.truncated = truncated
    }
}

/// What the code raised, as E2B tells it.
struct RaisedException: Codable, Sendable, Equatable {
    let name: String
    let value: String
    let traceback: String
}

extension FinishedExecution {
    /// Why it ended, where it did not simply complete or fail by its own exception.
    var explanation: String? {
        switch ending.outcome {
        case .completed: nil
        case .failed: nil
        case .timed_out:
            begun.timeoutLowered
                ? "The execution was stopped after \(seconds) s, all the runtime that the quota had left."
                : "The execution was stopped after its timeout of \(seconds) s."
        case .cancelled: "The execution was cancelled."
        case .killed: "The execution was ended by the gateway (\(ending.reason ?? "unknown"))."
        }
    }

    private var seconds: Double { Double(begun.grantedTimeoutMilliseconds) / 1000 }
}

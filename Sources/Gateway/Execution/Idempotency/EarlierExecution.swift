import HTTPTypes
import Ledger

/// What a problem tells of the execution that an idempotency key stands for: no more than its reply would have told.
struct EarlierExecution: Codable, Sendable {
    let id: String
    let state: String
    var outcome: Outcome?
    var reason: String?
    var runtimeMilliseconds: Int64?

    enum CodingKeys: String, CodingKey {
        case id, state, outcome, reason
        case runtimeMilliseconds = "runtime_ms"
    }

    /// One that runs.
    init(running id: ExecutionID) {
        self.id = id.text
        state = ExecutionRecord.State.running.rawValue
    }

    init(_ record: ExecutionRecord) {
        id = record.id
        state = record.state.rawValue
        outcome = record.outcome
        reason = record.reason
        runtimeMilliseconds = record.runtimeMilliseconds
    }
}

extension Problem {
    static let idempotencyMismatch = Problem(
        .idempotencyMismatch, "The Idempotency-Key was used with another request before.", shouldRetry: false)

    static let idempotencyInProgress = Problem(
        .idempotencyInProgress, "The first request with this Idempotency-Key is still under way.",
        retryAfter: .seconds(1))

    static func inProgress(_ id: ExecutionID) -> Problem {
        var problem = idempotencyInProgress
        problem.execution = EarlierExecution(running: id)
        problem.headers = [.executionID: id.text]
        return problem
    }

    static func replyUnavailable(_ why: NoReply, _ record: ExecutionRecord) -> Problem {
        let reason =
            switch why {
            case .tooLarge: "its reply was larger than the \(Ledger.largestReply) bytes that are kept"
            case .noRoom: "its reply has made room for newer ones"
            case .lost: "its reply was lost with the gateway that ran it"
            }
        var problem = Problem(
            .idempotencyReplyUnavailable,
            "The first request with this Idempotency-Key was carried out, and \(reason). It is not run again.",
            shouldRetry: false)
        problem.execution = EarlierExecution(record)
        problem.headers = [.executionID: record.id]
        return problem
    }
}

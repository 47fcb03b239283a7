import Foundation
import Ledger

/// A finished execution as it is kept for whoever repeats its request: all that either form of the reply is made from,
/// whichever the first caller had.
struct KeptReply: Codable, Sendable {
    /// What failed underneath it, as its caller was told.
    private struct Failure: Codable {
        let type: String
        let detail: String
    }

    private let begun: BegunExecution
    private let outcome: Outcome
    private let reason: String?
    private let failure: Failure?
    private let events: [KeptEvents.Event]
    /// How much output a document holds.
    let outputLimit: Int

    init(_ finished: FinishedExecution, _ events: [KeptEvents.Event], outputLimit: Int) {
        begun = finished.begun
        outcome = finished.ending.outcome
        reason = finished.ending.reason
        failure = finished.problem.map { Failure(type: $0.type.rawValue, detail: $0.detail) }
        self.events = events
        self.outputLimit = outputLimit
    }

    /// What was kept, with the runtime that the execution was charged.
    ///
    /// - Returns: nil unless this gateway can read it.
    static func reading(_ bytes: [UInt8], of record: ExecutionRecord) -> (FinishedExecution, KeptReply)? {
        guard let reply = try? JSONDecoder().decode(KeptReply.self, from: Data(bytes)) else { return nil }
        var problem: Problem?
        if let failure = reply.failure {
            guard let type = ProblemType(rawValue: failure.type) else { return nil }
            problem = Problem(type, failure.detail, shouldRetry: false)
        }
        let ending = ExecutionEnding(
            outcome: reply.outcome, reason: reply.reason, outputBytes: record.outputBytes ?? 0,
            runtimeMilliseconds: record.runtimeMilliseconds ?? 0)
        return (
            FinishedExecution(begun: reply.begun, ending: ending, problem: problem, events: reply.events), reply
        )
    }

    /// For the settlement.
    var remainder: Remainder {
        guard let bytes = try? JSONEncoder().encode(self) else { return .state(.lost) }
        return .reply(Array(bytes))
    }
}

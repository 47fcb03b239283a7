import HTTPTypes
import Hummingbird
import Ledger
import NIOCore

extension ExecutionRoutes {
    /// The reply to a request whose idempotency key stands for an earlier one: that one's reply, in the form that is asked
    /// for now, or what became of it. Nothing is run.
    func repeated(_ repetition: Repetition, as format: ReplyFormat, for context: TenantContext) throws(Problem)
        -> Response
    {
        switch repetition {
        case .mismatch: throw .idempotencyMismatch
        case .running(let id): throw .inProgress(id)
        case .finished(let record, .gone(let why)): throw .replyUnavailable(why, record)
        case .finished(let record, .kept(let bytes)):
            guard let (finished, reply) = KeptReply.reading(bytes, of: record) else {
                throw .replyUnavailable(.lost, record)
            }
            var response =
                format == .document
                ? try document(of: finished, CollectedOutput(of: finished.events ?? [], limit: reply.outputLimit))
                : stream(of: finished, as: format, limit: reply.outputLimit, for: context)
            response.headers.append(contentsOf: Self.replayed)
            return response
        }
    }

    private static let replayed: HTTPFields = [.idempotencyReplayed: "true"]

    private func document(
        of finished: FinishedExecution, _ output: CollectedOutput
    ) throws(Problem) -> Response {
        guard var problem = finished.problem else {
            return document(ExecutionReply(document: output, finished), of: finished.begun)
        }
        problem.headers = finished.begun.headers
        problem.headers.append(contentsOf: Self.replayed)
        throw problem
    }

    private func stream(
        of finished: FinishedExecution, as format: ReplyFormat, limit: Int, for context: TenantContext
    ) -> Response {
        let body = ResponseBody { writer in
            try await writer.write(StreamEvent.started(finished.begun).encoded(as: format))
            var seen = CollectedOutput(limit: limit)
            for event in (finished.events ?? []).compactMap(\.emitted) {
                seen.noteForError(event)
                try await writer.write(StreamEvent.emitted(event).encoded(as: format))
            }
            try await writer.write(last(of: finished, seen, for: context).encoded(as: format))
            try await writer.finish(nil)
        }
        return streamed(body, of: finished.begun, as: format)
    }
}

extension CollectedOutput {
    /// What a document holds of kept events.
    init(of events: [KeptEvents.Event], limit: Int) {
        self.init(limit: limit)
        for event in events.compactMap(\.emitted) { append(event) }
    }
}

import AsyncAlgorithms
import Auth
import E2BUpstream
import HTTPTypes
import Hummingbird
import Ledger
import NIOCore
import Quota

/// `POST`, `GET` and `DELETE` on `/v1/executions`.
struct ExecutionRoutes: Sendable {
    let runner: ExecutionRunner
    let ledger: Ledger
    let running: RunningExecutions

    /// Runs code in a fresh sandbox and answers with what it did, as one document or as it happens.
    func create(_ request: Request, context: TenantContext) async throws -> Response {
        try context.principal.require(.execute)
        let format = try ReplyFormat(accept: request.headers[.accept])
        try request.requireJSON()
        let body = try await request.boundedBody(
            upTo: context.principal.policy.bodyBytes, noting: context.note)
        try context.principal.signed?.vouch(for: body)
        let order = try ExecutionOrder(
            decoding: body, idempotencyKey: request.headers[.idempotencyKey], for: context.principal)

        let departure = CallerPresence.departure(on: context.channel)
        switch try await runner.begin(order, for: context, departure: departure) {
        case .holding(let execution):
            return format == .document
                ? try await document(of: execution, for: context) : stream(of: execution, as: format, for: context)
        case .stopped(let finished):
            return stopped(finished, as: format)
        case .repeated(let repetition):
            return try repeated(repetition, as: format, for: context)
        }
    }

    /// What became of an execution of the caller's tenant.
    func get(_ request: Request, context: TenantContext) async throws -> Response {
        try context.principal.require(.read)
        return JSONReply.response(ExecutionState(try await record(try id(context), context)))
    }

    /// Stops a running execution; of a finished one it only tells the state. Whoever may not read learns no more of it.
    func cancel(_ request: Request, context: TenantContext) async throws -> Response {
        try context.principal.require(.execute)
        let id = try id(context)
        let record = try await record(id, context)
        let tenant = context.principal.tenant
        let isRunning =
            if running.stop(id, of: tenant) { true } else { try await ledger.askToStop(id, of: tenant) }
        let status: HTTPResponse.Status = isRunning ? .accepted : .ok
        guard context.principal.claims.scopes.contains(.read) else {
            return JSONReply.response(ExecutionStanding(record), status: status)
        }
        return JSONReply.response(ExecutionState(record), status: status)
    }

    private func id(_ context: TenantContext) throws -> ExecutionID {
        let text = try context.parameters.require("id")
        guard let id = ExecutionID(text) else { throw Self.unknown(text) }
        return id
    }

    private func record(_ id: ExecutionID, _ context: TenantContext) async throws -> ExecutionRecord {
        guard let record = try await ledger.execution(id.text, of: context.principal.tenant) else {
            throw Self.unknown(id.text)
        }
        return record
    }

    private static func unknown(_ id: String) -> Problem {
        Problem(.notFound, "There is no execution \(MisplacedToken.redacted(path: id).prefix(64)).", shouldRetry: false)
    }

    // MARK: Replies

    /// How long a caller that has stopped reading may keep an ended stream open.
    private static let lastWordPatience = TimeAmount.seconds(30)

    private func document(of execution: Execution, for context: TenantContext) async throws -> Response {
        let events = AsyncChannel<ExecutionEvent>()
        async let finishing = execution.run(into: events)
        var output = CollectedOutput(limit: context.principal.policy.outputBytes)
        for await event in events { output.append(event) }

        let finished = await finishing
        if var problem = finished.problem {
            problem.headers = finished.begun.headers
            throw problem
        }
        // The same as whoever repeats the request will get: what a stop has cut off on its way here is part of it.
        if let events = finished.events {
            output = CollectedOutput(of: events, limit: context.principal.policy.outputBytes)
        }
        return document(ExecutionReply(document: output, finished), of: finished.begun)
    }

    private func stream(of execution: Execution, as format: ReplyFormat, for context: TenantContext) -> Response {
        let limit = context.principal.policy.outputBytes
        let body = ResponseBody { writer in
            let events = AsyncChannel<ExecutionEvent>()
            async let finishing = finish(execution, into: events, thenCut: context.channel)
            try await writer.write(StreamEvent.started(execution.begun).encoded(as: format))
            var seen = CollectedOutput(limit: limit)
            for await event in events {
                seen.noteForError(event)
                try await writer.write(StreamEvent.emitted(event).encoded(as: format))
            }

            let (finished, patience) = await finishing
            defer { patience.cancel() }
            try await writer.write(last(of: finished, seen, for: context).encoded(as: format))
            try await writer.finish(nil)
        }
        return streamed(body, of: execution.begun, as: format)
    }

    /// - Parameter seen: what the caller has read along, as far as the `error` member needs it.
    func last(of finished: FinishedExecution, _ seen: CollectedOutput, for context: TenantContext) -> StreamEvent {
        if let problem = finished.problem { return .failed(problem.document(requestID: context.requestID)) }
        return .finished(ExecutionReply(lastEvent: seen, finished))
    }

    /// Runs the execution to its end; from then on a caller that has stopped reading has only so long to go on.
    private func finish(
        _ execution: Execution, into events: AsyncChannel<ExecutionEvent>, thenCut channel: any Channel
    ) async -> (FinishedExecution, patience: Scheduled<Void>) {
        let finished = await execution.run(into: events)
        let patience = channel.eventLoop.scheduleTask(in: Self.lastWordPatience) { channel.close(promise: nil) }
        return (finished, patience)
    }

    /// The reply to an execution that was stopped before it had a sandbox.
    private func stopped(_ finished: FinishedExecution, as format: ReplyFormat) -> Response {
        let nothing = CollectedOutput(limit: 0)
        guard format != .document else {
            return document(ExecutionReply(document: nothing, finished), of: finished.begun)
        }
        var buffer = StreamEvent.started(finished.begun).encoded(as: format)
        buffer.writeImmutableBuffer(
            StreamEvent.finished(ExecutionReply(lastEvent: nothing, finished)).encoded(as: format)
        )
        return streamed(ResponseBody(byteBuffer: buffer), of: finished.begun, as: format)
    }

    func document(_ reply: ExecutionReply, of begun: BegunExecution) -> Response {
        var response = JSONReply.response(reply)
        response.headers.append(contentsOf: begun.headers)
        return response
    }

    func streamed(_ body: ResponseBody, of begun: BegunExecution, as format: ReplyFormat) -> Response {
        var headers: HTTPFields = [
            .contentType: format.rawValue, .cacheControl: "no-store", .accelBuffering: "no",
        ]
        headers.append(contentsOf: begun.headers)
        return Response(status: .ok, headers: headers, body: body)
    }
}

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
        let body = try await request.boundedBody(upTo: context.principal.policy.bodyBytes)
        let order = try ExecutionOrder(decoding: body, for: context.principal)

        let departure = try await CallerPresence.departure(on: context.channel)
        let execution = try await runner.begin(order, for: context, departure: departure)
        switch format {
        case .document: return try await document(of: execution, for: context)
        case .serverSentEvents, .jsonLines: return stream(of: execution, as: format, for: context)
        }
    }

    /// What became of an execution of the caller's tenant.
    func get(_ request: Request, context: TenantContext) async throws -> Response {
        try context.principal.require(.read)
        return JSONReply.response(ExecutionState(try await record(try id(context), context)))
    }

    /// Stops a running execution; of a finished one it only tells the state.
    func cancel(_ request: Request, context: TenantContext) async throws -> Response {
        try context.principal.require(.execute)
        let id = try id(context)
        let record = try await record(id, context)
        let stopped = running.stop(id, of: context.principal.tenant)
        return JSONReply.response(ExecutionState(record), status: stopped ? .accepted : .ok)
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
        Problem(.notFound, "There is no execution \(id.prefix(64)).", shouldRetry: false)
    }

    // MARK: Replies

    /// How long a caller that has stopped reading may keep an ended stream open.
    private let lastWordPatience = TimeAmount.seconds(30)

    private func document(of execution: Execution, for context: TenantContext) async throws -> Response {
        let events = AsyncChannel<ExecutionEvent>()
        async let finishing = execution.run(into: events)
        var output = CollectedOutput(limit: context.principal.policy.outputBytes)
        for await event in events { output.append(event) }

        let finished = await finishing
        if let failure = finished.ending.failure { throw Problem(failure) }
        var response = JSONReply.response(ExecutionReply(document: output, finished))
        response.headers[.executionID] = execution.id
        return response
    }

    private func stream(of execution: Execution, as format: ReplyFormat, for context: TenantContext) -> Response {
        let limit = context.principal.policy.outputBytes
        let body = ResponseBody { writer in
            let started = StreamEvent.started(
                id: execution.id, grantedTimeoutMilliseconds: execution.lease.grant.timeoutMilliseconds
            )
            try await writer.write(started.encoded(as: format))

            let events = AsyncChannel<ExecutionEvent>()
            async let finishing = execution.run(into: events)
            var seen = CollectedOutput(limit: limit)
            for await event in events {
                seen.noteForError(event)
                try await writer.write(StreamEvent.emitted(event).encoded(as: format))
            }

            let finished = await finishing
            let patience = context.channel.eventLoop.scheduleTask(in: lastWordPatience) {
                context.channel.close(promise: nil)
            }
            defer { patience.cancel() }
            let last =
                if let failure = finished.ending.failure {
                    StreamEvent.failed(Problem(failure).document(requestID: context.requestID))
                } else {
                    StreamEvent.finished(ExecutionReply(lastEvent: seen, finished))
                }
            try await writer.write(last.encoded(as: format))
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: format.rawValue, .cacheControl: "no-store", .accelBuffering: "no",
                .executionID: execution.id,
            ],
            body: body
        )
    }
}

import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOFoundationCompat

/// The server at port 49999 of a sandbox: `/health`, `/execute`, `/contexts`.
struct CodeInterpreter: Sendable {
    let sandbox: Sandbox
    /// What contexts that have no environment yet take on.
    let environment: [String: String]
    let logger: Logger

    /// Largest body of a request, in bytes: E2B's own.
    static let maximumBody = 16 << 20
    private static let largestDirectory = 4096

    func respond(to request: Request) async throws -> Response {
        let path = request.uri.path.split(separator: "/")
        switch (path.first, path.count) {
        case ("health", 1):
            return allow(.get, request) ?? .json("OK")
        case ("execute", 1):
            if let refusal = allow(.post, request) { return refusal }
            return try await execute(request)
        case ("contexts", 1) where request.method == .post:
            return try await makeContext(request)
        case ("contexts", 1):
            return allow(.get, request) ?? .json(sandbox.container.contexts.map(ContextDocument.init))
        case ("contexts", 2):
            return allow(.delete, request) ?? delete(String(path[1]))
        case ("contexts", 3) where path[2] == "restart":
            if let refusal = allow(.post, request) { return refusal }
            return await restart(String(path[1]))
        default:
            return .json(["detail": "Not Found"], status: .notFound)
        }
    }

    // MARK: Execute

    private func execute(_ request: Request) async throws -> Response {
        var request = request
        let body: ByteBuffer
        let order: ExecuteRequest
        do {
            // Keeps hold of the connection, whose end means that the caller has left.
            body = try await request.collectBody(upTo: Self.maximumBody)
            order = try decode(ExecuteRequest.self, from: body)
        } catch let invalid as InvalidBody {
            return .json(invalid.document, status: .unprocessableContent)
        } catch is NIOTooManyBytesError {
            return .text("The request body exceeds \(Self.maximumBody) bytes", status: .contentTooLarge)
        }
        if order.contextID != nil && order.language != nil {
            return .text("Only one of context_id or language can be provided", status: .badRequest)
        }
        if let refusal = refusal(ofLanguage: order.language) { return refusal }
        let container = sandbox.container
        guard let context = order.contextID.map(container.context) ?? container.currentDefaultContext() else {
            return contextNotFound(order.contextID ?? "default")
        }
        let execution = Execution(request: body, environment: environment)
        guard context.enqueue(execution) else {
            return .text("Too many executions wait in context \(context.id)", status: .serviceUnavailable)
        }
        return ExecutionStream(execution).response(to: request)
    }

    // MARK: Contexts

    private struct ContextDocument: Encodable {
        let id: String
        let language: String
        let cwd: String

        init(_ context: Context) {
            id = context.id
            language = context.language
            cwd = context.directory
        }
    }

    private func makeContext(_ request: Request) async throws -> Response {
        let order: ContextRequest
        do {
            order = try decode(ContextRequest.self, from: try await request.body.collect(upTo: 1 << 20))
        } catch let invalid as InvalidBody {
            return .json(invalid.document, status: .unprocessableContent)
        } catch is NIOTooManyBytesError {
            return .text("The request body is too large", status: .contentTooLarge)
        }
        if let refusal = refusal(ofLanguage: order.language) { return refusal }
        let directory = order.directory ?? Bubblewrap.home
        guard directory.utf8.count <= Self.largestDirectory else {
            return .text("cwd is too long", status: .badRequest)
        }
        guard let context = sandbox.container.makeContext(in: directory) else {
            return .text(
                "Failed to create context: the sandbox has as many as it may have", status: .internalServerError)
        }
        guard await context.waitUntilReady() else {
            sandbox.container.delete(context)
            return .text("Failed to create context: its kernel did not start", status: .internalServerError)
        }
        return .json(ContextDocument(context))
    }

    private func delete(_ id: String) -> Response {
        guard let context = sandbox.container.context(id) else { return contextNotFound(id) }
        sandbox.container.delete(context)
        return .null
    }

    private func restart(_ id: String) async -> Response {
        guard let context = sandbox.container.context(id) else { return contextNotFound(id) }
        guard await context.restart() else {
            return .text("Context \(id) could not be restarted", status: .internalServerError)
        }
        return .null
    }

    // MARK: Refusals

    private func decode<Body: Decodable>(_ type: Body.Type, from body: ByteBuffer) throws -> Body {
        do {
            return try JSONDecoder().decode(type, from: body)
        } catch let invalid as InvalidBody {
            throw invalid
        } catch {
            throw InvalidBody.notJSON
        }
    }

    private func contextNotFound(_ id: String) -> Response {
        .text("Context \(id) not found", status: .notFound)
    }

    private func refusal(ofLanguage language: String?) -> Response? {
        let name = (language ?? "python").lowercased().trimmingCharacters(in: .whitespaces)
        if name == "python" || name == "python3" { return nil }
        let text = """
            Failed to create context: {"message": "The '\(name)' kernel is not available. Please pick another \
            suitable kernel instead, or install that kernel.", "short_message": "\(name) not found"}
            """
        return .text(text, status: .internalServerError)
    }

    private func allow(_ method: HTTPRequest.Method, _ request: Request) -> Response? {
        if request.method == method { return nil }
        return .json(
            ["detail": "Method Not Allowed"], status: .methodNotAllowed, headers: [.allow: method.rawValue]
        )
    }
}

extension Response {
    fileprivate static var null: Response { .json(String?.none) }
}

import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOFoundationCompat

/// E2B's control plane: sandboxes are made, found, prolonged and ended.
struct ControlPlane: Sendable {
    let fleet: SandboxFleet
    let tokens: SandboxTokens
    let limits: SandboxLimits

    /// Largest body of a request, in bytes.
    private static let maximumBody = 1 << 20

    func responder() -> some HTTPResponder<BasicRequestContext> {
        let router = Router(context: BasicRequestContext.self)
        router.add(middleware: ControlPlaneRefusals())
        router.get("/health") { _, _ in HTTPResponse.Status.ok }
        // Signed URLs name no sandbox; what comes here is signed by none that runs.
        for method in [HTTPRequest.Method.get, .post] {
            router.on("/files", method: method) { _, _ in
                EnvdRefusal(.unauthorized, "invalid signature").response
            }
        }
        let team = router.group().add(middleware: APIKeyRequired())
        team.post("/sandboxes") { request, _ in try await create(request, .v1) }
        team.post("/v2/sandboxes") { request, _ in try await create(request, .v2) }
        team.get("/sandboxes") { request, _ in try list(request, inPages: false) }
        team.get("/v2/sandboxes") { request, _ in try list(request, inPages: true) }
        team.get("/sandboxes/{id}") { _, context in try detail(of: sandbox(context)) }
        team.delete("/sandboxes/{id}") { _, context in try kill(context) }
        team.post("/sandboxes/{id}/timeout") { request, context in try await setTimeout(request, context) }
        team.post("/sandboxes/{id}/refreshes") { request, context in try await refresh(request, context) }
        team.post("/sandboxes/{id}/connect") { request, context in try await connect(request, context, .v1) }
        team.post("/v2/sandboxes/{id}/connect") { request, context in try await connect(request, context, .v2) }
        return router.buildResponder()
    }

    private func create(_ request: Request, _ version: CreateRequest.Version) async throws -> Response {
        let order = try await body(CreateRequest.self, of: request).order(version)
        do {
            let sandbox = try await fleet.create(order)
            return .json(SandboxDocument(sandbox, tokens), status: .created)
        } catch SandboxFleet.Refusal.full(let maximum) {
            throw ControlPlaneRefusal(
                .tooManyRequests,
                "you have reached the maximum number of concurrent E2B sandboxes (\(maximum))"
            )
        } catch let refusal as SandboxFleet.Refusal {
            throw ControlPlaneRefusal(.serviceUnavailable, "Failed to place sandbox: \(refusal)")
        }
    }

    private func list(_ request: Request, inPages: Bool) throws -> Response {
        let parameters = request.uri.queryParameters
        var query = try SandboxListQuery { parameters[Substring($0)].map(String.init) }
        if !inPages {
            query.limit = Int.max
            query.after = nil
        }
        let all = fleet.sandboxes
        let (page, nextToken) = query.page(of: all)
        var headers = HTTPFields()
        if inPages {
            headers[.totalRunning] = "\(all.count)"
            headers[.nextToken] = nextToken
        }
        return .json(page.map { ListedSandbox($0, limits) }, headers: headers)
    }

    private func detail(of sandbox: Sandbox) -> Response {
        .json(SandboxDetail(listed: ListedSandbox(sandbox, limits), tokens: SandboxDocument(sandbox, tokens)))
    }

    private func kill(_ context: BasicRequestContext) throws -> Response {
        let id = try id(context)
        guard fleet.kill(id) else { throw ControlPlaneRefusal.sandboxNotFound(id) }
        return Response(status: .noContent)
    }

    private func setTimeout(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
        guard let timeout = try await body(TimeoutRequest.self, of: request).timeout, timeout >= 0 else {
            throw ControlPlaneRefusal(.badRequest, "timeout must be a number of seconds, 0 or more")
        }
        let sandbox = try sandbox(context)
        sandbox.setTimeout(try TimeoutRequest.checked(timeout))
        if timeout == 0 { _ = fleet.kill(sandbox.id) }
        return Response(status: .noContent)
    }

    private func refresh(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
        let duration = try await body(RefreshRequest.self, of: request).duration ?? 0
        guard (0...3600).contains(duration) else {
            throw ControlPlaneRefusal(.badRequest, "duration must be between 0 and 3600 seconds")
        }
        try sandbox(context).extend(to: max(duration, 15))
        return Response(status: .noContent)
    }

    private func connect(
        _ request: Request, _ context: BasicRequestContext, _ version: CreateRequest.Version
    ) async throws -> Response {
        let asked = try await body(TimeoutRequest.self, of: request).timeout
        guard let timeout = asked ?? (version == .v2 ? 300 : nil), timeout >= 0 else {
            throw ControlPlaneRefusal(.badRequest, "timeout must be a number of seconds, 0 or more")
        }
        let sandbox = try sandbox(context)
        sandbox.extend(to: try TimeoutRequest.checked(timeout))
        return .json(SandboxDocument(sandbox, tokens))
    }

    // MARK: Parts of a request

    private func id(_ context: BasicRequestContext) throws -> String {
        guard let id = SandboxID.parse(try context.parameters.require("id")) else {
            throw ControlPlaneRefusal(.badRequest, "Invalid sandbox ID")
        }
        return id
    }

    private func sandbox(_ context: BasicRequestContext) throws -> Sandbox {
        let id = try id(context)
        guard let sandbox = fleet.sandbox(id) else { throw ControlPlaneRefusal.sandboxNotFound(id) }
        return sandbox
    }

    private func body<Body: Decodable>(_ type: Body.Type, of request: Request) async throws -> Body {
        let buffer: ByteBuffer
        do {
            buffer = try await request.body.collect(upTo: Self.maximumBody)
        } catch is NIOTooManyBytesError {
            throw ControlPlaneRefusal(.contentTooLarge, "The request body exceeds \(Self.maximumBody) bytes")
        }
        do {
            return try JSONDecoder().decode(type, from: buffer)
        } catch {
            throw ControlPlaneRefusal(.badRequest, "Error when parsing request: \(Self.reason(error))")
        }
    }

    /// What is wrong with a body, and where.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, _): "'\(key.stringValue)' is missing"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            "'\(context.codingPath.map(\.stringValue).joined(separator: "."))' has the wrong type"
        default: "it is not JSON"
        }
    }
}

extension HTTPField.Name {
    fileprivate static let totalRunning = HTTPField.Name("X-Total-Running")!
    fileprivate static let nextToken = HTTPField.Name("X-Next-Token")!
}

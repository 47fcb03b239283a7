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
    private let keys: APIKeys
    private let creates = IdempotentCreates()

    init(fleet: SandboxFleet, tokens: SandboxTokens, limits: SandboxLimits, keys: APIKeys) {
        self.fleet = fleet
        self.tokens = tokens
        self.limits = limits
        self.keys = keys
    }

    /// Largest body of a request, in bytes.
    private static let maximumBody = 1 << 20

    func responder() -> some HTTPResponder<BasicRequestContext> {
        let router = Router(context: TeamContext.self)
        router.add(middleware: ControlPlaneRefusals())
        router.get("/health") { _, _ in HTTPResponse.Status.ok }
        // Signed URLs name no sandbox; what comes here is signed by none that runs.
        for method in [HTTPRequest.Method.get, .post] {
            router.on("/files", method: method) { _, _ in
                EnvdRefusal(.unauthorized, "invalid signature").response
            }
        }
        let team = router.group().add(middleware: APIKeyRequired(keys: keys))
        team.post("/sandboxes") { request, context in try await create(request, context, .v1) }
        team.post("/v2/sandboxes") { request, context in try await create(request, context, .v2) }
        team.get("/sandboxes") { request, context in try list(request, context, inPages: false) }
        team.get("/v2/sandboxes") { request, context in try list(request, context, inPages: true) }
        team.get("/sandboxes/metrics") { request, context in try await metrics(request, context) }
        team.get("/sandboxes/{id}") { _, context in try detail(of: sandbox(context)) }
        team.delete("/sandboxes/{id}") { _, context in try kill(context) }
        addLifecycle(to: team)
        addObservation(to: team)
        for path in ["/sandboxes/{id}/fork", "/sandboxes/{id}/snapshots"] {
            team.post(RouterPath(path)) { request, _ -> Response in
                throw ControlPlaneRefusal(.badRequest, "\(request.uri.path) is not offered by the local E2B")
            }
        }
        return ForTeams(inner: router.buildResponder())
    }

    private func create(
        _ request: Request, _ context: TeamContext, _ version: CreateRequest.Version
    ) async throws -> Response {
        let body = try await collected(request)
        let team = context.team
        guard version == .v2, let key = request.headers[.idempotencyKey] else {
            return .json(try await create(body, for: team, version), status: .created)
        }
        return try await creates.once(key, of: team, body) { try await create(body, for: team, version) }
    }

    private func create(
        _ body: ByteBuffer, for team: String?, _ version: CreateRequest.Version
    ) async throws -> SandboxDocument {
        var order = try decoded(CreateRequest.self, body).order(version)
        order.team = team
        do {
            return SandboxDocument(try await fleet.create(order), tokens)
        } catch SandboxFleet.Refusal.full(let maximum) {
            throw ControlPlaneRefusal(
                .tooManyRequests,
                "you have reached the maximum number of concurrent E2B sandboxes (\(maximum))"
            )
        } catch let refusal as SandboxFleet.Refusal {
            throw ControlPlaneRefusal(.serviceUnavailable, "Failed to place sandbox: \(refusal)")
        }
    }

    private func list(_ request: Request, _ context: TeamContext, inPages: Bool) throws -> Response {
        let parameters = request.uri.queryParameters
        var query = try SandboxListQuery { parameters[Substring($0)].map(String.init) }
        if !inPages {
            query.limit = Int.max
            query.after = nil
            query.includesPaused = false
        }
        let all = fleet.sandboxes.filter { $0.order.team == context.team }
        let (page, nextToken) = query.page(of: all)
        var headers = HTTPFields()
        if inPages {
            headers[.totalRunning] = "\(all.count(where: \.isRunning))"
            headers[.nextToken] = nextToken
        }
        return .json(page.map { ListedSandbox($0, limits) }, headers: headers)
    }

    private func detail(of sandbox: Sandbox) -> Response {
        .json(
            SandboxDetail(
                listed: ListedSandbox(sandbox, limits), tokens: SandboxDocument(sandbox, tokens),
                pausesAtTimeout: sandbox.order.pausesAtTimeout
            ))
    }

    private func kill(_ context: TeamContext) throws -> Response {
        let id = try sandbox(context).id
        guard fleet.kill(id) else { throw ControlPlaneRefusal.sandboxNotFound(id) }
        return Response(status: .noContent)
    }

    // MARK: Parts of a request

    private func id(_ context: TeamContext) throws -> String {
        guard let id = SandboxID.parse(try context.parameters.require("id")) else {
            throw ControlPlaneRefusal(.badRequest, "Invalid sandbox ID")
        }
        return id
    }

    /// What another team has is as good as not there.
    func sandbox(_ context: TeamContext) throws -> Sandbox {
        let id = try id(context)
        guard let sandbox = fleet.sandbox(id), sandbox.order.team == context.team else {
            throw ControlPlaneRefusal.sandboxNotFound(id)
        }
        return sandbox
    }

    func body<Body: Decodable>(_ type: Body.Type, of request: Request) async throws -> Body {
        try decoded(type, try await collected(request))
    }

    private func collected(_ request: Request) async throws -> ByteBuffer {
        do {
            return try await request.body.collect(upTo: Self.maximumBody)
        } catch is NIOTooManyBytesError {
            throw ControlPlaneRefusal(.contentTooLarge, "The request body exceeds \(Self.maximumBody) bytes")
        }
    }

    /// - Parameter body: JSON; an empty one counts as an object without fields.
    private func decoded<Body: Decodable>(_ type: Body.Type, _ body: ByteBuffer) throws -> Body {
        do {
            return try JSONDecoder().decode(type, from: body.readableBytes == 0 ? ByteBuffer(string: "{}") : body)
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
    fileprivate static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
    fileprivate static let totalRunning = HTTPField.Name("X-Total-Running")!
    fileprivate static let nextToken = HTTPField.Name("X-Next-Token")!
}

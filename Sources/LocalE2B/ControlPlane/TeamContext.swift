import HTTPTypes
import Hummingbird

/// A request to the control plane, and whose it is.
struct TeamContext: ChildRequestContext {
    var coreContext: CoreRequestContextStorage
    /// The team of the key that the request bears; none before that has been looked at.
    var team: String?

    init(context: BasicRequestContext) {
        coreContext = context.coreContext
    }
}

/// Lets the control plane, which knows teams, answer where nothing is known of them.
struct ForTeams<Inner: HTTPResponder<TeamContext>>: HTTPResponder {
    let inner: Inner

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        try await inner.respond(to: request, context: TeamContext(context: context))
    }
}

/// Demands an API key of E2B's form that opens this server, and finds its team.
struct APIKeyRequired: RouterMiddleware {
    let keys: APIKeys

    func handle(
        _ request: Request, context: TeamContext, next: (Request, TeamContext) async throws -> Response
    ) async throws -> Response {
        guard let name = HTTPField.Name("X-API-Key"), let key = request.headers[name] else {
            throw ControlPlaneRefusal(.unauthorized, "Missing API key: send it as X-API-Key")
        }
        guard Self.hasForm(key) else {
            throw ControlPlaneRefusal(
                .unauthorized, "Invalid API key format: 'e2b_' and hexadecimal digits are expected")
        }
        guard let team = try keys.team(of: key) else { throw ControlPlaneRefusal(.unauthorized, "Invalid API key") }
        var context = context
        context.team = team
        return try await next(request, context)
    }

    static func hasForm(_ key: String) -> Bool {
        guard key.hasPrefix("e2b_") else { return false }
        let digits = key.utf8.dropFirst(4)
        return !digits.isEmpty && digits.allSatisfy { "0123456789abcdefABCDEF".utf8.contains($0) }
    }
}

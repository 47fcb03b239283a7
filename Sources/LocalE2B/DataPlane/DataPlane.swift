import HTTPTypes
import Hummingbird
import Logging

/// Requests to sandboxes: what E2B's edge lets through, and what answers there.
struct DataPlane: Sendable {
    let fleet: SandboxFleet
    let tokens: SandboxTokens
    let logger: Logger

    func respond(to request: Request, at address: SandboxAddress) async throws -> Response {
        guard let sandbox = fleet.sandbox(address.sandbox) else { return EdgeRefusal.notFound(address.sandbox) }
        if address.port == E2B.envdPort { return envd(request) }
        if !sandbox.order.allowsPublicTraffic {
            guard let token = request.headers[.trafficToken] else { return EdgeRefusal.tokenMissing(sandbox.id) }
            guard tokens.isValid(token, .traffic, of: sandbox.id) else { return EdgeRefusal.tokenInvalid(sandbox.id) }
        }
        guard address.port == E2B.codeInterpreterPort else { return EdgeRefusal.portClosed(address) }
        let interpreter = CodeInterpreter(
            sandbox: sandbox, environment: environment(of: sandbox, for: request), logger: logger
        )
        return try await interpreter.respond(to: request)
    }

    /// envd, the daemon in every sandbox, of which this server has the health check.
    private func envd(_ request: Request) -> Response {
        if request.method == .get && request.uri.path == "/health" { return Response(status: .noContent) }
        let message = "\(request.method) \(request.uri.path) is not offered by the local E2B"
        return .json(EnvdRefusal(code: 404, message: message), status: .notFound)
    }

    private struct EnvdRefusal: Encodable {
        let code: Int
        let message: String
    }

    /// The real code interpreter asks envd for the sandbox's variables with the token of the request, does
    /// not look at the status, and so takes a refusal for the variables. Callers rely on getting this right,
    /// so it is the same here.
    private func environment(of sandbox: Sandbox, for request: Request) -> [String: String] {
        let token = request.headers[.envdToken]
        if !sandbox.order.isSecure || tokens.isValid(token, .envd, of: sandbox.id) { return sandbox.environment }
        return [
            "code": "401",
            "message": "unauthorized access, please provide a valid access token or method signing if supported",
        ]
    }
}

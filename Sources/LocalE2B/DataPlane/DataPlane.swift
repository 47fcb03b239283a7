import HTTPTypes
import Hummingbird
import Logging

/// Requests to sandboxes: what E2B's edge lets through, and what answers there.
struct DataPlane: Sendable {
    let fleet: SandboxFleet
    let tokens: SandboxTokens
    let logger: Logger

    func respond(to request: Request, at address: SandboxAddress) async throws -> Response {
        guard let sandbox = fleet.sandbox(address.sandbox), sandbox.isRunning else {
            return EdgeRefusal.notFound(address.sandbox)
        }
        if address.port == E2B.envdPort {
            return try await Envd(sandbox: sandbox, tokens: tokens).respond(to: request)
        }
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

    /// Which port of which sandbox a request is for; nil for one that is not for a sandbox.
    ///
    /// With `E2B_SANDBOX_URL` the SDKs write signed URLs that name no sandbox. The signature does.
    func address(of request: Request) throws(SandboxAddress.Failure) -> SandboxAddress? {
        if let address = try SandboxAddress.of(request) { return address }
        guard request.uri.path == "/files", let signed = FileSignature(request) else { return nil }
        let signer = fleet.sandboxes.first { $0.isRunning && signed.isValid(tokens.token(.envd, of: $0.id)) }
        return signer.map { SandboxAddress(sandbox: $0.id, port: E2B.envdPort) }
    }

    /// The real code interpreter asks envd for the sandbox's variables with the token of the request, does
    /// not look at the status, and so takes a refusal for the variables. Callers rely on getting this right,
    /// so it is the same here.
    private func environment(of sandbox: Sandbox, for request: Request) -> [String: String] {
        let token = request.headers[.envdToken]
        if !sandbox.order.isSecure || tokens.isValid(token, .envd, of: sandbox.id) { return sandbox.environment }
        return ["code": "401", "message": EnvdRefusal.unauthorized.message]
    }
}

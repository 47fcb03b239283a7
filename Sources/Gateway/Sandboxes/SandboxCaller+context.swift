import Auth
import E2BUpstream
import Ledger
import Logging

extension SandboxCaller {
    init(_ context: TenantContext) {
        self.init(
            tenant: context.principal.tenant, claims: context.principal.claims, requestID: context.requestID,
            traceID: context.trace.traceID, spanID: context.trace.spanID, sourceAddress: context.sourceAddress)
    }

    /// Refuses whoever holds a token narrower than the one that made the sandbox: its tokens would give them more than
    /// their own does.
    func requireAsWide(as sandbox: OwnedSandbox) throws(Problem) {
        guard claims.areAsWide(as: sandbox.claims) else {
            throw Problem(
                .insufficientScope, "The token is narrower than the one that made the sandbox.", shouldRetry: false)
        }
    }
}

extension SandboxAccess {
    init(_ sandbox: Sandbox) {
        self.init(
            envdToken: sandbox.exposedAccessToken, trafficToken: sandbox.exposedTrafficToken, domain: sandbox.domain,
            envdVersion: sandbox.envdVersion)
    }
}

extension OwnedSandbox {
    /// What a log line says of it.
    var logged: Logger.Metadata {
        ["sandbox": "\(id)", "handle": "\(handle)", "tenant": "\(tenant)", "state": "\(state.rawValue)"]
    }
}

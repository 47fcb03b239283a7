import Hummingbird
import Ledger

/// Everything on the callers' listener, in the order a request meets it.
struct CallerRoutes: Sendable {
    let executions: ExecutionRoutes
    let account: AccountRoutes
    let sandboxes: SandboxRoutes
    let health: HealthRoutes
    let ledger: Ledger
    let failures: FailedAuthentications
    let trustedProxies: TrustedProxies
    /// Whether TLS ends here.
    let isSecure: Bool
    let dataPlane: DataPlane
    let metrics: GatewayMetrics
    let sampling: TraceSampling

    func router() -> Router<OpenContext> {
        let router = Router(context: OpenContext.self, options: .autoGenerateHeadEndpoints)
        router.addMiddleware {
            RequestIdentity(
                door: .callers, isSecure: isSecure, trustedProxies: trustedProxies,
                sampling: sampling)
            MeteredCalls(metrics: metrics.calls)
            RefusalAudit(ledger: ledger)
            dataPlane
            ProblemRescue()
        }
        health.add(to: router)

        let tenants = router.group()
            .add(middleware: Authenticator(ledger: ledger, failures: failures, stages: metrics.stages))
            .group(context: TenantContext.self)
        tenants
            .on(.createExecution, use: executions.create)
            .on(.createSandbox) { try await sandboxes.create(.v2, $0, $1) }
            .on(.createSandboxV1) { try await sandboxes.create(.v1, $0, $1) }
            .on(.connectSandbox) { try await sandboxes.connect(.v2, $0, $1) }
            .on(.connectSandboxV1) { try await sandboxes.connect(.v1, $0, $1) }
            .on(.listSandboxes, use: sandboxes.list)
            .on(.listSandboxesV1, use: sandboxes.listRunning)
            .on(.getSandbox, use: sandboxes.get)
            .on(.killSandbox, use: sandboxes.kill)
            .on(.setSandboxTimeout, use: sandboxes.setTimeout)
            .on(.refreshSandbox, use: sandboxes.refresh)
            .on(.pauseSandbox, use: sandboxes.pause)
            .on(.getManySandboxMetrics, use: sandboxes.metricsOfMany)
            .on(.getSandboxMetrics, use: sandboxes.metrics)
            .on(.getSandboxLogs, use: sandboxes.logs)
            .on(.getSandboxLogsV1, use: sandboxes.logsV1)
        NotOffered().add(to: tenants)
        tenants.group()
            .add(middleware: ReplayGuard(ledger: ledger))
            .on(.getExecution, use: executions.get)
            .on(.cancelExecution, use: executions.cancel)
            .on(.getUsage, use: account.usage)
            .on(.getOwnConsumption, use: account.consumption)
            .on(.whoAmI, use: account.whoAmI)
            .on(.listOwnAuditRecords, use: account.auditRecords)
        return router
    }
}

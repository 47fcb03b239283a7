import Hummingbird
import Ledger

/// Everything on the callers' listener, in the order a request meets it.
struct CallerRoutes: Sendable {
    let executions: ExecutionRoutes
    let account: AccountRoutes
    let health: HealthRoutes
    let ledger: Ledger
    let failures: FailedAuthentications
    let trustedProxies: TrustedProxies
    /// Whether TLS ends here.
    let isSecure: Bool

    func router() -> Router<OpenContext> {
        let router = Router(context: OpenContext.self, options: .autoGenerateHeadEndpoints)
        router.addMiddleware {
            RequestIdentity(door: .callers, isSecure: isSecure, trustedProxies: trustedProxies)
            RefusalAudit(ledger: ledger)
            ProblemRescue()
        }
        health.add(to: router)

        let tenants = router.group()
            .add(middleware: Authenticator(ledger: ledger, failures: failures))
            .group(context: TenantContext.self)
        tenants
            .on(.createExecution, use: executions.create)
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

import Hummingbird

/// Everything on the control socket. Whoever can open it owns the ledger's files, so it asks for no credential.
struct ControlRoutes: Sendable {
    let admin: AdminRoutes
    let health: HealthRoutes

    func router() -> Router<OpenContext> {
        let router = Router(context: OpenContext.self, options: .autoGenerateHeadEndpoints)
        router.addMiddleware {
            RequestIdentity(door: .administrators, trustedProxies: .none)
            ProblemRescue()
        }
        health.add(to: router)
        router
            .on(.listTenants, use: admin.listTenants)
            .on(.createTenant, use: admin.createTenant)
            .on(.getTenant, use: admin.getTenant)
            .on(.listKeys, use: admin.listKeys)
            .on(.issueKey, use: admin.issueKey)
            .on(.revokeKey, use: admin.revokeKey)
            .on(.getPolicy, use: admin.getPolicy)
            .on(.changePolicy, use: admin.changePolicy)
            .on(.getTenantUsage, use: admin.getTenantUsage)
            .on(.listAuditRecords, use: admin.listAuditRecords)
            .on(.verifyAudit, use: admin.verifyAudit)
        return router
    }
}

extension HealthRoutes {
    /// Both doors serve these.
    func add(to router: Router<OpenContext>) {
        router
            .on(.getHealth, use: health)
            .on(.getReadiness, use: readiness)
            .on(.getProblem, use: problem)
    }
}

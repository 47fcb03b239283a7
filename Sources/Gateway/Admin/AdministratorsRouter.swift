import Hummingbird
import Ledger

/// Everything for administrators, on their listener and on the control socket.
struct AdministratorsRouter: Sendable {
    let admin: AdminRoutes
    let health: HealthRoutes
    let upstream: UpstreamRoutes
    let views: ViewRoutes
    let ledger: Ledger
    let trustedProxies: TrustedProxies
    let metrics: GatewayMetrics
    let sampling: TraceSampling

    /// - Parameters:
    ///   - authenticator: establishes who is calling.
    ///   - console: the pages, where they are served.
    ///   - isSecure: whether TLS ends here.
    func router(
        authenticator: some RouterMiddleware<OpenContext>, console: ConsoleRoutes? = nil, isSecure: Bool = false
    ) -> Router<OpenContext> {
        let router = Router(context: OpenContext.self, options: .autoGenerateHeadEndpoints)
        router.addMiddleware {
            RequestIdentity(
                door: .administrators, isSecure: isSecure, trustedProxies: trustedProxies,
                sampling: sampling)
            MeteredCalls(metrics: metrics.calls)
            RefusalAudit(ledger: ledger)
            ProblemRescue()
        }
        health.add(to: router)
        console?.add(to: router)
        router.on(.getMetrics, use: MetricsRoutes(registry: metrics.registry).metrics)

        let administrators = router.group().add(middleware: authenticator).group(context: AdminContext.self)
        func on(
            _ operation: Operation, _ handler: @Sendable @escaping (Request, AdminContext) async throws -> Response
        ) {
            guard let scope = operation.adminScope else {
                preconditionFailure("\(operation) is not for administrators")
            }
            administrators.on(operation) { request, context in
                try context.administrator.require(scope)
                try operation.checkQuery(of: request)
                if operation.method != .get, !operation.hasEntityTag {
                    try Preconditions(request).refuseTags()
                }
                return try await handler(request, context)
            }
        }
        on(.listTenants, admin.listTenants)
        on(.createTenant, admin.createTenant)
        on(.getTenant, admin.getTenant)
        on(.changeTenant, admin.changeTenant)
        on(.deleteTenant, admin.deleteTenant)
        on(.getPause, admin.getPause)
        on(.pauseWork, admin.pauseWork)
        on(.resumeWork, admin.resumeWork)
        on(.listKeys, admin.listKeys)
        on(.issueKey, admin.issueKey)
        on(.rotateKey, admin.rotateKey)
        on(.revokeKey, admin.revokeKey)
        on(.suspendKey, admin.suspendKey)
        on(.resumeKey, admin.resumeKey)
        on(.getPolicy, admin.getPolicy)
        on(.changePolicy, admin.changePolicy)
        on(.getDefaultPolicy, admin.getDefaultPolicy)
        on(.changeDefaultPolicy, admin.changeDefaultPolicy)
        on(.simulatePolicy, admin.simulatePolicy)
        on(.listCredits, admin.listCredits)
        on(.grantCredit, admin.grantCredit)
        on(.withdrawCredit, admin.withdrawCredit)
        on(.getTenantUsage, admin.getTenantUsage)
        on(.getConsumption, admin.getConsumption)
        on(.listAuditRecords, admin.listAuditRecords)
        on(.verifyAudit, admin.verifyAudit)
        on(.listCheckpoints, admin.listCheckpoints)
        on(.makeCheckpoint, admin.makeCheckpoint)
        on(.getCheckpointKey, admin.getCheckpointKey)
        on(.getRecordedCode, admin.getRecordedCode)
        on(.listAdminTokens, admin.listAdminTokens)
        on(.issueAdminToken, admin.issueAdminToken)
        on(.revokeAdminToken, admin.revokeAdminToken)
        on(.getUpstream, upstream.standing)
        on(.listUpstreamKeys, admin.listUpstreamKeys)
        on(.addUpstreamKey, admin.addUpstreamKey)
        on(.probeUpstreamKey, admin.probeUpstreamKey)
        on(.activateUpstreamKey, admin.activateUpstreamKey)
        on(.retireUpstreamKey, admin.retireUpstreamKey)
        on(.removeUpstreamKey, admin.removeUpstreamKey)
        on(.listLiveWork, views.listLiveWork)
        on(.killLiveWork, views.killLiveWork)
        on(.listExecutions, views.listExecutions)
        on(.listUsage, views.listUsage)
        on(.listSettings, views.listSettings)
        on(.getOverview, views.getOverview)
        on(.getHistory, views.getHistory)
        on(.diagnose, admin.diagnose)
        return router
    }
}

import Hummingbird

/// Everything for administrators: on the control socket without a credential, since whoever can open it owns the
/// ledger's files, and on the administrators' listener with an admin token.
struct ControlRoutes: Sendable {
    let admin: AdminRoutes
    let health: HealthRoutes
    let trustedProxies: TrustedProxies

    /// - Parameter authenticator: asks for an admin token; `nil` on the control socket.
    func router(authenticator: AdminAuthenticator?) -> Router<OpenContext> {
        let router = Router(context: OpenContext.self, options: .autoGenerateHeadEndpoints)
        router.addMiddleware {
            RequestIdentity(door: .administrators, trustedProxies: trustedProxies)
            ProblemRescue()
        }
        health.add(to: router)

        let administrators = router.group()
        if let authenticator { administrators.add(middleware: authenticator) }
        func on(
            _ operation: Operation, _ handler: @Sendable @escaping (Request, OpenContext) async throws -> Response
        ) {
            administrators.on(operation) { request, context in
                if let scope = operation.adminScope { try context.administrator.require(scope) }
                return try await handler(request, context)
            }
        }
        on(.listTenants, admin.listTenants)
        on(.createTenant, admin.createTenant)
        on(.getTenant, admin.getTenant)
        on(.changeTenant, admin.changeTenant)
        on(.listKeys, admin.listKeys)
        on(.issueKey, admin.issueKey)
        on(.rotateKey, admin.rotateKey)
        on(.revokeKey, admin.revokeKey)
        on(.getPolicy, admin.getPolicy)
        on(.changePolicy, admin.changePolicy)
        on(.getTenantUsage, admin.getTenantUsage)
        on(.listAuditRecords, admin.listAuditRecords)
        on(.verifyAudit, admin.verifyAudit)
        on(.listAdminTokens, admin.listAdminTokens)
        on(.issueAdminToken, admin.issueAdminToken)
        on(.revokeAdminToken, admin.revokeAdminToken)
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

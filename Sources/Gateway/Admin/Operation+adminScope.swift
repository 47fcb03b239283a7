import Auth

extension Operation {
    /// What an administrator's token must allow for it; `nil` where no administrator is asked for.
    var adminScope: Scope? {
        switch self {
        case .listTenants, .getTenant, .listKeys, .getPolicy, .getTenantUsage, .listAdminTokens, .getDefaultPolicy,
            .getConsumption, .simulatePolicy:
            .adminRead
        case .createTenant, .changeTenant: .adminTenants
        case .issueKey, .rotateKey, .revokeKey, .issueAdminToken, .revokeAdminToken: .adminKeys
        case .changePolicy, .changeDefaultPolicy, .grantCredit, .withdrawCredit: .adminQuotas
        case .listAuditRecords, .verifyAudit, .listCheckpoints, .makeCheckpoint, .getCheckpointKey, .getRecordedCode:
            .adminAudit
        case .createExecution, .getExecution, .cancelExecution, .getUsage, .getOwnConsumption, .whoAmI,
            .listOwnAuditRecords, .getHealth, .getReadiness, .getProblem:
            nil
        }
    }
}

import Auth

extension Operation {
    /// What an administrator's token must allow for it; `nil` where no administrator is asked for.
    var adminScope: Scope? {
        switch self {
        case .listTenants, .getTenant, .listKeys, .getPolicy, .getTenantUsage, .listAdminTokens, .getDefaultPolicy,
            .getConsumption, .simulatePolicy, .getUpstream, .listCredits, .getPause:
            .adminRead
        case .createTenant, .changeTenant, .deleteTenant, .pauseWork, .resumeWork: .adminTenants
        case .issueKey, .rotateKey, .revokeKey, .suspendKey, .resumeKey, .issueAdminToken, .revokeAdminToken:
            .adminKeys
        case .changePolicy, .changeDefaultPolicy, .grantCredit, .withdrawCredit: .adminQuotas
        case .listAuditRecords, .verifyAudit, .listCheckpoints, .makeCheckpoint, .getCheckpointKey, .getRecordedCode:
            .adminAudit
        case .listUpstreamKeys, .addUpstreamKey, .probeUpstreamKey, .activateUpstreamKey, .retireUpstreamKey,
            .removeUpstreamKey, .diagnose:
            .adminUpstreamKeys
        case .getHealth, .getReadiness, .getProblem, .getMetrics: nil
        // Anybody may look at the empty pages; what is signed in is looked at by the console's own routes.
        case .getConsole, .getConsoleFile, .openConsoleSession, .getConsoleSession, .closeConsoleSession: nil
        // The callers' own.
        case .createExecution, .getExecution, .cancelExecution, .getUsage, .getOwnConsumption, .whoAmI,
            .listOwnAuditRecords, .createSandbox, .createSandboxV1, .connectSandbox, .connectSandboxV1, .listSandboxes,
            .listSandboxesV1, .getSandbox, .killSandbox, .setSandboxTimeout, .refreshSandbox, .pauseSandbox,
            .getSandboxMetrics, .getManySandboxMetrics, .getSandboxLogs, .getSandboxLogsV1:
            nil
        }
    }
}

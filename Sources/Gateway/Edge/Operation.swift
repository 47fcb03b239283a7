public import HTTPTypes

/// Every call the gateway answers: the one table of URLs. Raw values are the `operationId`s of `openapi.yaml`.
public enum Operation: String, CaseIterable, Sendable {
    case createExecution, getExecution, cancelExecution
    case getUsage, getOwnConsumption, whoAmI, listOwnAuditRecords
    case createSandbox, createSandboxV1, connectSandbox, connectSandboxV1, listSandboxes, listSandboxesV1
    case getSandbox, killSandbox, setSandboxTimeout, refreshSandbox, pauseSandbox
    case getSandboxMetrics, getManySandboxMetrics, getSandboxLogs, getSandboxLogsV1
    case getHealth, getReadiness, getProblem, getMetrics, getUpstream
    case listTenants, createTenant, getTenant, changeTenant, deleteTenant
    case listKeys, issueKey, rotateKey, revokeKey, suspendKey, resumeKey
    case getPause, pauseWork, resumeWork
    case getPolicy, changePolicy, getDefaultPolicy, changeDefaultPolicy, simulatePolicy
    case listCredits, grantCredit, withdrawCredit, getTenantUsage, getConsumption
    case listAuditRecords, verifyAudit, listCheckpoints, makeCheckpoint, getCheckpointKey, getRecordedCode
    case listAdminTokens, issueAdminToken, revokeAdminToken
    case diagnose
    case getConsole, getConsoleFile, openConsoleSession, getConsoleSession, closeConsoleSession
    case listUpstreamKeys, addUpstreamKey, probeUpstreamKey, activateUpstreamKey, retireUpstreamKey, removeUpstreamKey

    /// Which listener serves it.
    public enum Door: Sendable { case callers, administrators, both }

    /// The HTTP method.
    public var method: HTTPRequest.Method {
        switch self {
        case .openConsoleSession, .diagnose, .createExecution, .createTenant, .issueKey, .rotateKey, .issueAdminToken,
            .grantCredit,
            .simulatePolicy,
            .makeCheckpoint, .createSandbox, .createSandboxV1, .connectSandbox, .connectSandboxV1, .setSandboxTimeout,
            .refreshSandbox, .pauseSandbox, .addUpstreamKey, .probeUpstreamKey, .activateUpstreamKey,
            .retireUpstreamKey:
            .post
        case .closeConsoleSession, .killSandbox, .cancelExecution, .revokeKey, .revokeAdminToken, .withdrawCredit,
            .removeUpstreamKey, .deleteTenant, .resumeKey, .resumeWork:
            .delete
        case .suspendKey, .pauseWork: .put
        case .changePolicy, .changeDefaultPolicy, .changeTenant: .patch
        default: .get
        }
    }

    /// The path, with parameters in braces as OpenAPI and Hummingbird both read them.
    public var path: String {
        switch self {
        case .createExecution: "/v1/executions"
        case .getExecution, .cancelExecution: "/v1/executions/{id}"
        case .getUsage: "/v1/usage"
        case .getOwnConsumption: "/v1/consumption"
        case .whoAmI: "/v1/whoami"
        case .listOwnAuditRecords: "/v1/audit"
        case .createSandbox, .listSandboxes: "/v2/sandboxes"
        case .createSandboxV1, .listSandboxesV1: "/sandboxes"
        case .connectSandbox: "/v2/sandboxes/{sandboxID}/connect"
        case .connectSandboxV1: "/sandboxes/{sandboxID}/connect"
        case .getSandbox, .killSandbox: "/sandboxes/{sandboxID}"
        case .setSandboxTimeout: "/sandboxes/{sandboxID}/timeout"
        case .refreshSandbox: "/sandboxes/{sandboxID}/refreshes"
        case .pauseSandbox: "/sandboxes/{sandboxID}/pause"
        case .getSandboxMetrics: "/sandboxes/{sandboxID}/metrics"
        case .getManySandboxMetrics: "/sandboxes/metrics"
        case .getSandboxLogs: "/v2/sandboxes/{sandboxID}/logs"
        case .getSandboxLogsV1: "/sandboxes/{sandboxID}/logs"
        case .getHealth: "/healthz"
        case .getReadiness: "/readyz"
        case .getProblem: "/problems/{type}"
        case .getMetrics: "/metrics"
        case .getUpstream: "/admin/v1/upstream"
        case .listTenants, .createTenant: "/admin/v1/tenants"
        case .getTenant, .changeTenant, .deleteTenant: "/admin/v1/tenants/{tenant}"
        case .listKeys: "/admin/v1/keys"
        case .issueKey: "/admin/v1/tenants/{tenant}/keys"
        case .revokeKey: "/admin/v1/keys/{key_id}"
        case .rotateKey: "/admin/v1/keys/{key_id}/rotation"
        case .suspendKey, .resumeKey: "/admin/v1/keys/{key_id}/suspension"
        case .getPause, .pauseWork, .resumeWork: "/admin/v1/pause"
        case .getPolicy, .changePolicy: "/admin/v1/tenants/{tenant}/policy"
        case .simulatePolicy: "/admin/v1/tenants/{tenant}/simulation"
        case .getDefaultPolicy, .changeDefaultPolicy: "/admin/v1/default-policy"
        case .listCredits, .grantCredit: "/admin/v1/tenants/{tenant}/credits"
        case .withdrawCredit: "/admin/v1/tenants/{tenant}/credits/{credit_id}"
        case .getTenantUsage: "/admin/v1/tenants/{tenant}/usage"
        case .getConsumption: "/admin/v1/consumption"
        case .listAuditRecords: "/admin/v1/audit"
        case .verifyAudit: "/admin/v1/audit/verification"
        case .listCheckpoints, .makeCheckpoint: "/admin/v1/audit/checkpoints"
        case .getCheckpointKey: "/admin/v1/audit/checkpoint-key"
        case .getRecordedCode: "/admin/v1/audit/code/{execution}"
        case .listAdminTokens, .issueAdminToken: "/admin/v1/admin-tokens"
        case .revokeAdminToken: "/admin/v1/admin-tokens/{key_id}"
        case .diagnose: "/admin/v1/diagnosis"
        case .getConsole: "/console"
        case .getConsoleFile: "/console/files/{version}/{file}"
        case .openConsoleSession, .getConsoleSession, .closeConsoleSession: "/console/session"
        case .listUpstreamKeys, .addUpstreamKey: "/admin/v1/upstream-keys"
        case .removeUpstreamKey: "/admin/v1/upstream-keys/{upstream_key_id}"
        case .probeUpstreamKey: "/admin/v1/upstream-keys/{upstream_key_id}/probe"
        case .activateUpstreamKey: "/admin/v1/upstream-keys/{upstream_key_id}/activation"
        case .retireUpstreamKey: "/admin/v1/upstream-keys/{upstream_key_id}/retirement"
        }
    }

    /// Which listener serves it.
    public var door: Door {
        switch self {
        case .getHealth, .getReadiness, .getProblem: .both
        case .createExecution, .getExecution, .cancelExecution, .getUsage, .getOwnConsumption, .whoAmI,
            .listOwnAuditRecords, .createSandbox, .createSandboxV1, .connectSandbox, .connectSandboxV1, .listSandboxes,
            .listSandboxesV1, .getSandbox, .killSandbox, .setSandboxTimeout, .refreshSandbox, .pauseSandbox,
            .getSandboxMetrics, .getManySandboxMetrics, .getSandboxLogs, .getSandboxLogsV1:
            .callers
        default: .administrators
        }
    }

    /// The methods offered at a concrete path behind a door; empty if there is nothing.
    static func methods(at path: String, behind door: Door) -> [HTTPRequest.Method] {
        matching(path, behind: door).map(\.method)
    }

    /// What a call is of, `HEAD` being a `GET`; nil if there is nothing at its path.
    static func serving(_ method: HTTPRequest.Method, at path: String, behind door: Door) -> Operation? {
        let method = method == .head ? .get : method
        return matching(path, behind: door).first { $0.method == method }
    }

    /// The operation that the router found at one of its own paths, `HEAD` being a `GET`.
    static func at(endpoint path: String, _ method: HTTPRequest.Method, behind door: Door) -> Operation? {
        let method = method == .head ? .get : method
        return byEndpoint[path]?.first { $0.method == method && ($0.door == door || $0.door == .both) }
    }

    private static let byEndpoint = Dictionary(grouping: allCases, by: \.path)

    /// What is offered at a concrete path: a path without parameters goes before one that has them, as in the router.
    private static func matching(_ path: String, behind door: Door) -> [Operation] {
        let parts = path.split(separator: "/")
        let fitting = patterns.filter {
            ($0.operation.door == door || $0.operation.door == .both) && $0.matches(parts)
        }
        let fewest = fitting.map(\.parameters).min()
        return fitting.filter { $0.parameters == fewest }.map(\.operation)
    }

    /// A path, taken apart once.
    private struct Pattern: Sendable {
        let operation: Operation
        let parts: [Substring]

        var parameters: Int { parts.count { $0.hasPrefix("{") } }

        func matches(_ concrete: [Substring]) -> Bool {
            parts.count == concrete.count && zip(parts, concrete).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
    }

    private static let patterns = allCases.map { Pattern(operation: $0, parts: $0.path.split(separator: "/")) }
}

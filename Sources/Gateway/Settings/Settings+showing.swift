import Ledger
import Logging
import Quota

extension Settings {
    /// Whether a secret is set; nil of what is none.
    func isSet(_ name: SettingName) -> Bool? {
        switch name {
        case .rootKey: rootKey != nil
        case .newRootKey: newRootKey != nil
        case .webhookSecret: !webhookSecrets.isEmpty
        case .auditCollectorToken: auditCollectorToken != nil
        case .e2bAPIKey: upstreamKey != nil
        case .token: token != nil
        case .adminToken: adminToken != nil
        default: nil
        }
    }

    /// A setting's value in force, as it may be shown: a secret is `set` or `not set`.
    public func shown(_ name: SettingName) -> String {
        switch name {
        case .listen: listen.description
        case .adminListen: adminListen.description
        case .tlsCertificate: tlsCertificateFile ?? "none"
        case .tlsKey: tlsKeyFile ?? "none"
        case .domain: domain?.description ?? "none"
        case .ledger: ledger.path.map { "sqlite:\($0)" } ?? ledger.description
        case .controlSocket: controlSocketPath
        case .rootKey, .newRootKey, .webhookSecret, .auditCollectorToken, .token, .adminToken:
            isSet(name) == true ? "set" : "not set"
        case .rootKeyFile: effectiveRootKeyFile
        case .trustedProxies: trustedProxies.description
        case .drainSeconds: "\(drain.components.seconds)"
        case .drainNoticeSeconds: "\(effectiveDrainNotice.components.seconds)"
        case .upstreamSandboxes: capacity.sandboxes.map { "\($0)" } ?? "not limited"
        case .upstreamCreates: capacity.creates.map { "\($0)" } ?? "not limited"
        case .queueLength: "\(capacity.queueLength)"
        case .queueSeconds: "\(capacity.patience.components.seconds)"
        case .poolMinimum: "\(pool.minimum)"
        case .poolMaximum: "\(pool.maximum)"
        case .logLevel: logLevel.rawValue
        case .metricsTenants: "\(metricsTenants)"
        case .traceSampling: traceSampling.description
        case .retentionDays: "\(retention.executions.components.seconds / 86_400)"
        case .auditRetentionDays: "\(retention.audit.components.seconds / 86_400)"
        case .webhookURL: webhookURL?.description ?? "none"
        case .auditFile: auditFile ?? "none"
        case .auditFileMegabytes: "\(auditFileMegabytes)"
        case .auditFiles: "\(auditFiles)"
        case .auditSyslog: auditSyslog?.description ?? "none"
        case .auditCollectorURL: auditCollectorURL?.description ?? "none"
        case .e2bAPIKey:
            isSet(name) != true
                ? "not set; the ledger's upstream keys are used" : "set, for a ledger without upstream keys"
        case .e2bAPIURL: upstreamAPIURL ?? "from E2B_DOMAIN"
        case .e2bSandboxURL: upstreamSandboxURL ?? "from E2B_DOMAIN"
        case .e2bDomain: upstreamDomain ?? "e2b.app"
        case .url: url
        case .adminURL: adminURL
        }
    }
}

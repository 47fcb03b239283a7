import Auth
import Ledger
import Logging
import Quota

/// Every setting there is, by its name in the environment.
public enum SettingName: String, CaseIterable, Sendable {
    case listen = "GATEWAY_LISTEN"
    case adminListen = "GATEWAY_ADMIN_LISTEN"
    case tlsCertificate = "GATEWAY_TLS_CERT"
    case tlsKey = "GATEWAY_TLS_KEY"
    case domain = "GATEWAY_DOMAIN"
    case ledger = "GATEWAY_LEDGER"
    case controlSocket = "GATEWAY_CONTROL_SOCKET"
    case rootKey = "GATEWAY_ROOT_KEY"
    /// For `root-key rotate` only.
    case newRootKey = "GATEWAY_NEW_ROOT_KEY"
    case rootKeyFile = "GATEWAY_ROOT_KEY_FILE"
    case trustedProxies = "GATEWAY_TRUSTED_PROXIES"
    case drainSeconds = "GATEWAY_DRAIN_SECONDS"
    case drainNoticeSeconds = "GATEWAY_DRAIN_NOTICE_SECONDS"
    case upstreamSandboxes = "GATEWAY_UPSTREAM_SANDBOXES"
    case upstreamCreates = "GATEWAY_UPSTREAM_CREATES"
    case queueLength = "GATEWAY_QUEUE_LENGTH"
    case queueSeconds = "GATEWAY_QUEUE_SECONDS"
    case poolMinimum = "GATEWAY_POOL_MINIMUM"
    case poolMaximum = "GATEWAY_POOL_MAXIMUM"
    case logLevel = "GATEWAY_LOG_LEVEL"
    case metricsTenants = "GATEWAY_METRICS_TENANTS"
    case traceSampling = "GATEWAY_TRACE_SAMPLING"
    case retentionDays = "GATEWAY_RETENTION_DAYS"
    case auditRetentionDays = "GATEWAY_AUDIT_RETENTION_DAYS"
    case webhookURL = "GATEWAY_WEBHOOK_URL"
    case webhookSecret = "GATEWAY_WEBHOOK_SECRET"
    case auditFile = "GATEWAY_AUDIT_FILE"
    case auditFileMegabytes = "GATEWAY_AUDIT_FILE_MEGABYTES"
    case auditFiles = "GATEWAY_AUDIT_FILES"
    case auditSyslog = "GATEWAY_AUDIT_SYSLOG"
    case auditCollectorURL = "GATEWAY_AUDIT_COLLECTOR_URL"
    case auditCollectorToken = "GATEWAY_AUDIT_COLLECTOR_TOKEN"
    case e2bAPIKey = "E2B_API_KEY"
    case e2bAPIURL = "E2B_API_URL"
    case e2bSandboxURL = "E2B_SANDBOX_URL"
    case e2bDomain = "E2B_DOMAIN"
    /// For the client commands only.
    case url = "GATEWAY_URL"
    case token = "GATEWAY_TOKEN"
    case adminURL = "GATEWAY_ADMIN_URL"
    case adminToken = "GATEWAY_ADMIN_TOKEN"

    /// Whether its value may never be shown.
    public var isSecret: Bool {
        [.rootKey, .newRootKey, .webhookSecret, .auditCollectorToken, .e2bAPIKey, .token, .adminToken].contains(self)
    }
}

extension Settings {
    /// Takes one setting over, or says what is wrong with it.
    mutating func apply(_ name: SettingName, _ setting: RawSetting) throws(SettingFailure) {
        let value = setting.value
        switch name {
        case .listen:
            listen = try Self.address(setting)
        case .adminListen:
            adminListen = try Self.address(setting)
        case .tlsCertificate:
            tlsCertificateFile = value
        case .tlsKey:
            tlsKeyFile = value
        case .domain:
            guard let domain = ServedDomain(value) else {
                throw SettingFailure(
                    setting, "must be a domain such as sandboxes.example.com or e2b.localhost:8443, not \"\(value)\"")
            }
            self.domain = domain
        case .ledger:
            ledger = try Self.ledger(setting)
        case .controlSocket:
            controlSocket = value
        case .rootKey:
            rootKey = try Self.rootKey(setting)
        case .newRootKey:
            newRootKey = try Self.rootKey(setting)
        case .rootKeyFile:
            rootKeyFile = value
        case .trustedProxies:
            guard let proxies = TrustedProxies(value) else {
                throw SettingFailure(
                    setting,
                    "must be a comma list of addresses and of networks such as 10.0.0.0/8 without bits beyond their prefix, not \"\(value)\""
                )
            }
            trustedProxies = proxies
        case .drainSeconds:
            drain = .seconds(try Self.number(setting, in: 0...3600, unit: "whole seconds"))
        case .drainNoticeSeconds:
            drainNotice = .seconds(try Self.number(setting, in: 0...300, unit: "whole seconds"))
        case .upstreamSandboxes:
            capacity.sandboxes = try Self.number(setting, in: 1...100_000)
        case .upstreamCreates:
            capacity.creates = try Self.pace(setting)
        case .queueLength:
            capacity.queueLength = try Self.number(setting, in: 0...100_000)
        case .queueSeconds:
            capacity.patience = .seconds(try Self.number(setting, in: 1...600, unit: "whole seconds"))
        case .poolMinimum:
            pool.minimum = try Self.number(setting, in: 0...1_000)
        case .poolMaximum:
            pool.maximum = try Self.number(setting, in: 0...1_000)
        case .logLevel:
            guard let level = Logger.Level(rawValue: value) else {
                let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
                throw SettingFailure(setting, "must be one of \(levels), not \"\(value)\"")
            }
            logLevel = level
        case .metricsTenants:
            metricsTenants = try Self.number(setting, in: 0...1_000)
        case .traceSampling:
            guard let sampling = TraceSampling(value) else {
                throw SettingFailure(setting, "must be a number from 0 to 1, such as 0.05, not \"\(value)\"")
            }
            traceSampling = sampling
        case .retentionDays:
            executionRetention = try Self.days(setting, in: 62...3_650)
        case .auditRetentionDays:
            auditRetention = try Self.days(setting, in: 62...36_500)
        case .webhookURL:
            webhookURL = try Self.receiverURL(setting, of: "notifications")
        case .webhookSecret:
            webhookSecrets = try Self.webhookSecrets(setting)
        case .auditFile:
            guard !value.hasSuffix("/") else {
                throw SettingFailure(setting, "must be the path of a file, not of a folder")
            }
            auditFile = value
        case .auditFileMegabytes:
            auditFileMegabytes = try Self.number(setting, in: 1...10_240)
        case .auditFiles:
            auditFiles = try Self.number(setting, in: 0...10_000)
        case .auditSyslog:
            auditSyslog = try Self.syslogAddress(setting)
        case .auditCollectorURL:
            auditCollectorURL = try Self.receiverURL(setting, of: "audit records")
        case .auditCollectorToken:
            guard value.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                throw SettingFailure(setting, "must be visible ASCII, without spaces")
            }
            auditCollectorToken = value
        case .e2bAPIKey:
            if (try? Token(parsing: value)) != nil {
                throw SettingFailure(
                    setting,
                    "is one of this gateway's own tokens; put E2B's API key here, and the token into GATEWAY_TOKEN"
                )
            }
            guard let key = UpstreamKeySecret(value) else {
                throw SettingFailure(setting, "must be up to 512 visible ASCII characters, without spaces")
            }
            upstreamKey = key
        case .e2bAPIURL:
            upstreamAPIURL = value
        case .e2bSandboxURL:
            upstreamSandboxURL = value
        case .e2bDomain:
            upstreamDomain = value
        case .url:
            givenURL = value
        case .token:
            token = value
        case .adminURL:
            givenAdminURL = value
        case .adminToken:
            adminToken = value
        }
    }
}

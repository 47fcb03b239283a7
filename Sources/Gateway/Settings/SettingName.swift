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

    private static func days(_ setting: RawSetting, in range: ClosedRange<Int>) throws(SettingFailure) -> Duration {
        guard let days = Int(setting.value), range.contains(days) else {
            throw SettingFailure(
                setting, "must be whole days from \(range.lowerBound) to \(range.upperBound), not \"\(setting.value)\"")
        }
        return .seconds(days * 86_400)
    }

    private static func number(
        _ setting: RawSetting, in range: ClosedRange<Int>, unit: String = "a whole number"
    ) throws(SettingFailure) -> Int {
        guard let number = Int(setting.value), range.contains(number) else {
            let bounds = "from \(range.lowerBound) to \(range.upperBound)"
            throw SettingFailure(setting, "must be \(unit) \(bounds), not \"\(setting.value)\"")
        }
        return number
    }

    /// A rate without a burst unless it says otherwise: a burst on top of an even pace is more in the first second than
    /// the rate says, and upstream would refuse it.
    private static func pace(_ setting: RawSetting) throws(SettingFailure) -> Rate {
        guard var rate = Rate(parsing: setting.value) else {
            throw SettingFailure(
                setting, "must be a rate such as 5/s, 60/min or 5/s burst 5, not \"\(setting.value)\"")
        }
        if !setting.value.contains("burst") { rate.burst = 1 }
        return rate
    }

    private static func rootKey(_ setting: RawSetting) throws(SettingFailure) -> RootKey {
        guard let key = try? RootKey(text: setting.value) else {
            throw SettingFailure(setting, "must be 64 hex digits, as `e2b-gateway init` writes them")
        }
        return key
    }

    private static func ledger(_ setting: RawSetting) throws(SettingFailure) -> LedgerLocation {
        do {
            return try LedgerLocation(setting.value)
        } catch {
            throw SettingFailure(setting, error.reason)
        }
    }

    private static func receiverURL(_ setting: RawSetting, of messages: String) throws(SettingFailure) -> ReceiverURL {
        do {
            return try ReceiverURL(setting.value)
        } catch {
            // Not repeated: receivers like to put secrets into it.
            switch error {
            case .malformed:
                throw SettingFailure(setting, "must be https://HOST/PATH, without user, password or fragment")
            case .clear:
                throw SettingFailure(
                    setting,
                    "must begin with https://, unless it leads to this machine: \(messages) are not for all eyes")
            }
        }
    }

    private static func syslogAddress(_ setting: RawSetting) throws(SettingFailure) -> SyslogAddress {
        guard let address = SyslogAddress(setting.value) else {
            throw SettingFailure(
                setting,
                "must be tcp://HOST:PORT, or unix:///PATH for a stream socket, not \"\(setting.value)\"; UDP is not offered, "
                    + "since it loses records without a word"
            )
        }
        return address
    }

    private static func webhookSecrets(_ setting: RawSetting) throws(SettingFailure) -> [WebhookSecret] {
        let words = setting.value.split(separator: " ")
        guard (1...2).contains(words.count) else {
            throw SettingFailure(
                setting, "must be one secret, or two with a space between them while one replaces the other")
        }
        var secrets: [WebhookSecret] = []
        for word in words {
            guard let secret = try? WebhookSecret(text: String(word)) else {
                throw SettingFailure(setting, "must be whsec_ and the Base64 of 24 to 64 random bytes")
            }
            secrets.append(secret)
        }
        return secrets
    }

    private static func address(_ setting: RawSetting) throws(SettingFailure) -> ListenAddress {
        guard let address = ListenAddress(setting.value) else {
            throw SettingFailure(setting, "must be HOST:PORT, such as 127.0.0.1:8080, not \"\(setting.value)\"")
        }
        return address
    }
}

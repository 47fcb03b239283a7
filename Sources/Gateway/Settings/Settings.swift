public import Auth
public import Ledger
public import Logging
public import Quota

/// Everything the gateway can be told from outside, checked.
///
/// Read from the environment, else `.env.local`, else a YAML file; see ``Settings/load(configFile:environment:directory:)``.
public struct Settings: Sendable {
    /// `GATEWAY_LISTEN`: where callers connect. Default `127.0.0.1:8080`.
    public var listen = defaultListen
    /// `GATEWAY_ADMIN_LISTEN`: where administrators connect. Default `127.0.0.1:8081`.
    public var adminListen = defaultAdminListen
    /// `GATEWAY_TLS_CERT`, `GATEWAY_TLS_KEY`: PEM files of the certificate that callers are shown, and of its key; both or
    /// neither. Default none.
    public var tlsCertificateFile: String?
    /// `GATEWAY_TLS_KEY`.
    public var tlsKeyFile: String?
    /// `GATEWAY_DOMAIN`: the domain under which `api.DOMAIN` and `{port}-{id}.DOMAIN` lead to the callers' listener.
    /// Default none.
    public var domain: ServedDomain?
    /// `GATEWAY_LEDGER`: `sqlite:PATH`, or an address such as `postgres://gateway@db.example.com/ledger`. Default
    /// `sqlite:gateway.db`.
    public var ledger = LedgerLocation.file(path: "gateway.db")
    /// `GATEWAY_CONTROL_SOCKET`. Default: the ledger's path with `.socket` behind it; `gateway.socket` where the ledger is no
    /// file.
    public var controlSocket: String?
    /// `GATEWAY_ROOT_KEY`: 64 hex digits. Takes precedence over the file.
    public var rootKey: RootKey?
    /// `GATEWAY_NEW_ROOT_KEY`: what `root-key rotate` seals under from now on, where the old one is in the environment.
    public var newRootKey: RootKey?
    /// `GATEWAY_ROOT_KEY_FILE`. Default: the ledger's path with `.root-key` behind it; `gateway.root-key` where the ledger is
    /// no file.
    public var rootKeyFile: String?
    /// `GATEWAY_TRUSTED_PROXIES`: comma list of addresses or CIDR blocks. Default none.
    public var trustedProxies = TrustedProxies.none
    /// `GATEWAY_DRAIN_SECONDS`: how long running executions may go on after SIGTERM, 0–3600. Default 35.
    public var drain: Duration = .seconds(35)
    /// `GATEWAY_DRAIN_NOTICE_SECONDS`: how long after SIGTERM calls are still taken while `/readyz` says that the gateway is
    /// not ready, 0–300. Default 0; 5 where other gateways share the ledger.
    public var drainNotice: Duration?
    /// `GATEWAY_UPSTREAM_SANDBOXES`: sandboxes at once of all tenants, 1–100,000; default not limited.
    /// `GATEWAY_UPSTREAM_CREATES`: how often one may be created, such as `5/s`; default not limited.
    /// `GATEWAY_QUEUE_LENGTH`: calls that may wait for one, 0–100,000. Default 1,000.
    /// `GATEWAY_QUEUE_SECONDS`: how long each may wait, 1–600. Default 10.
    public var capacity = CapacityLimits()
    /// `GATEWAY_POOL_MINIMUM`: warm sandboxes of the default template that are kept ready, 0–1,000. Default 0.
    /// `GATEWAY_POOL_MAXIMUM`: warm sandboxes at most, 0–1,000; 0 keeps none. Default 10.
    var pool = PoolLimits()
    /// `GATEWAY_LOG_LEVEL`: trace, debug, info, notice, warning, error, critical. Default info.
    public var logLevel = Logger.Level.info
    /// `GATEWAY_METRICS_TENANTS`: how many tenants metrics name, 0–1,000; 0 names none. Default 100.
    public var metricsTenants = 100
    /// `GATEWAY_TRACE_SAMPLING`: how many of the traces that begin here are marked as recorded, 0–1. Default 0.
    public var traceSampling = TraceSampling.none
    /// `GATEWAY_RETENTION_DAYS`: how long executions are kept, 62–3650. Default 90.
    public var executionRetention = Duration.seconds(90 * 86_400)
    /// `GATEWAY_AUDIT_RETENTION_DAYS`: how long audit records and recorded code are kept, 62–36500, not shorter than
    /// executions are. Default 400, or as long as executions if that is longer.
    public var auditRetention: Duration?
    /// `GATEWAY_WEBHOOK_URL`: who is told when a runtime window is nearly used up. Default nobody.
    public var webhookURL: ReceiverURL?
    /// `GATEWAY_WEBHOOK_SECRET`: what the webhook is signed with; two while one replaces the other.
    public var webhookSecrets: [WebhookSecret] = []
    /// `GATEWAY_AUDIT_FILE`: a file that the audit log is written to as well. Default none.
    public var auditFile: String?
    /// `GATEWAY_AUDIT_FILE_MEGABYTES`: how large it may grow before it is renamed, 1–10,240. Default 100.
    public var auditFileMegabytes = 100
    /// `GATEWAY_AUDIT_FILES`: how many renamed ones are kept, 0–10,000; 0 keeps all. Default 10.
    public var auditFiles = 10
    /// `GATEWAY_AUDIT_SYSLOG`: a syslog receiver that is sent the audit log. Default none.
    public var auditSyslog: SyslogAddress?
    /// `GATEWAY_AUDIT_COLLECTOR_URL`: an HTTP collector that is sent the audit log. Default none.
    public var auditCollectorURL: ReceiverURL?
    /// `GATEWAY_AUDIT_COLLECTOR_TOKEN`: the bearer token that the collector knows the gateway by. Default none.
    public var auditCollectorToken: String?
    /// `GATEWAY_URL`: where the client commands find a gateway. Default `http://127.0.0.1:8080`; see also
    /// ``administration``.
    public var url: String { givenURL ?? "http://127.0.0.1:8080" }
    var givenURL: String?
    /// `GATEWAY_TOKEN`: what the client commands present.
    public var token: String?
    /// `GATEWAY_ADMIN_URL`: where the administering commands find a gateway's administrators' listener; see
    /// ``administration``.
    var givenAdminURL: String?
    /// `GATEWAY_ADMIN_TOKEN`: what the administering commands present there.
    public var adminToken: String?
    /// `E2B_API_KEY`, with the meaning the E2B SDK gives it: what a ledger that has no upstream key takes over at the start.
    public var upstreamKey: UpstreamKeySecret?
    /// `E2B_API_URL`, `E2B_SANDBOX_URL`, `E2B_DOMAIN`, with the meaning the E2B SDK gives them.
    public var upstreamAPIURL: String?
    /// `E2B_SANDBOX_URL`.
    public var upstreamSandboxURL: String?
    /// `E2B_DOMAIN`.
    public var upstreamDomain: String?

    /// The defaults.
    public init() {}

    private static let defaultListen = literal("127.0.0.1:8080")
    private static let defaultAdminListen = literal("127.0.0.1:8081")

    private static func literal(_ text: String) -> ListenAddress {
        guard let address = ListenAddress(text) else { preconditionFailure("a valid literal") }
        return address
    }

    /// What callers are shown, where they are to be served over TLS.
    public var tls: TLSFiles? {
        guard let tlsCertificateFile, let tlsKeyFile else { return nil }
        return TLSFiles(certificate: tlsCertificateFile, key: tlsKeyFile)
    }

    /// Whether administrators are served over TLS as well: where others than this machine can reach them.
    var administratorsNeedTLS: Bool { tls != nil && !adminListen.isLoopback }

    /// How long the ledger keeps what is over.
    public var retention: Retention {
        Retention(executions: executionRetention, audit: auditRetention ?? Retention.standard.audit)
    }

    /// How long calls are still taken once SIGTERM has come.
    public var effectiveDrainNotice: Duration { drainNotice ?? (ledger.path == nil ? .seconds(5) : .zero) }

    /// The path of the file that holds the root key.
    public var effectiveRootKeyFile: String { rootKeyFile ?? besideLedger + ".root-key" }

    /// The path of the Unix socket through which commands on this machine reach a running gateway.
    public var controlSocketPath: String { controlSocket ?? besideLedger + ".socket" }

    /// What files begin with that belong to this gateway's ledger.
    private var besideLedger: String { ledger.path ?? "gateway" }
}

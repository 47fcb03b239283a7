import CurlTransport
import E2BUpstream
import Foundation
import Hummingbird
public import Ledger
public import Logging
import NIOCore
import Quota
public import ServiceLifecycle

/// The gateway as one process: a ledger, an upstream, the listeners of callers and administrators, the control socket.
public struct GatewayService: Service {
    /// Where a running gateway can be reached.
    public struct Addresses: Sendable {
        /// Base URL of the callers' listener.
        public let callers: String
        /// Base URL of the administrators' listener.
        public let administrators: String
        /// Path of the control socket.
        public let controlSocket: String
    }

    private let settings: Settings
    private let sources: [SettingName: SettingSource]
    private let ledger: Ledger
    private let transport: CurlClient
    private let upstream: E2BClient
    private let certificate: TLSCertificate?
    private let metrics: GatewayMetrics
    private let logger: Logger
    private let onListening: @Sendable (Addresses) async -> Void

    /// - Parameters:
    ///   - sources: where the settings were found; those that are absent are by default.
    ///   - onListening: called once all listeners accept connections.
    /// - Throws: ``SettingFailure`` if upstream is not configured, the control socket's path is too long, or the
    ///   certificate or its key cannot be used.
    public init(
        settings: Settings, sources: [SettingName: SettingSource], ledger: Ledger, logger: Logger,
        onListening: @escaping @Sendable (Addresses) async -> Void
    ) throws(SettingFailure) {
        guard settings.upstreamKey != nil || !ledger.upstreamKeys().isEmpty else {
            throw SettingFailure(
                "E2B_API_KEY is not set, and the ledger holds no upstream key; put it into the environment or .env.local, or "
                    + "add it with `e2b-gateway upstream-key add`")
        }
        guard settings.controlSocketPath.utf8.count <= ControlSocket.maximumPathBytes else {
            throw SettingFailure(
                "The control socket \(settings.controlSocketPath) would have a path of more than "
                    + "\(ControlSocket.maximumPathBytes) bytes; name a shorter one in GATEWAY_CONTROL_SOCKET"
            )
        }
        let endpoints = try settings.upstreamEndpoints()
        if let files = settings.tls {
            certificate = try TLSCertificate(files, logger: logger)
        } else {
            certificate = nil
        }
        self.settings = settings
        self.sources = sources
        self.ledger = ledger
        self.logger = logger
        self.onListening = onListening
        transport = CurlClient(CurlClient.Configuration(maximumConnections: Self.maximumUpstreamConnections))
        let metrics = GatewayMetrics(namedTenants: settings.metricsTenants)
        self.metrics = metrics
        upstream = E2BClient(
            transport: transport, endpoints: endpoints, keys: UpstreamKeyRing([]),
            observer: { metrics.upstream.called($0) })
    }

    /// Serves until graceful shutdown is asked for, then drains.
    public func run() async throws {
        metrics.observe(ledger)
        try await UpstreamKeyStart.take(settings.upstreamKey, into: ledger, for: upstream, logger: logger)
        let recovered = try await ledger.recover()
        if !recovered.executions.isEmpty {
            logger.warning(
                "settled what a dead gateway left", metadata: ["leases": "\(recovered.executions.count)"]
            )
        }

        let running = RunningExecutions()
        let closing = ExecutionClosing(
            ledger: ledger, upstream: upstream, metrics: metrics.calls, stages: metrics.stages, logger: logger)
        let slots = UpstreamSlots(
            limits: settings.capacity, isShared: ledger.isShared, guarantees: ledger.guaranteedSandboxes, logger: logger
        )
        let allotments = CapacityAllotments(ledger: ledger, slots: slots, logger: logger)
        await closing.destroyLeftovers(holding: slots)
        let labels = SandboxLabels(ledger: ledger)
        let doubts = DoubtfulCreates()
        let maker = SandboxMaker(upstream: upstream, closing: closing, doubts: doubts)
        let pool = WarmPool(
            limits: settings.pool, upstream: upstream, slots: slots, maker: maker, closing: closing, running: running,
            labels: labels, minimumTemplate: { [ledger] in ledger.defaultPolicy().templates.first ?? "" },
            isPaused: { [ledger] in ledger.pause != nil }, logger: logger)
        let source = SandboxSource(upstream: upstream, slots: slots, maker: maker, pool: pool, stages: metrics.stages)
        let runner = ExecutionRunner(
            ledger: ledger, upstream: upstream, source: source, closing: closing, running: running, labels: labels,
            logger: logger
        )
        let live = LiveSandboxes()
        let sandboxes = SandboxControl(
            ledger: ledger, upstream: upstream, source: source, closing: closing, live: live, running: running,
            labels: labels, logger: logger)
        let keeper = SandboxKeeper(ledger: ledger, control: sandboxes, live: live, logger: logger)
        keeper.takeUp(from: slots)
        let reconciler = Reconciler(
            ledger: ledger, upstream: upstream, control: sandboxes, closing: closing, slots: slots, running: running,
            pool: pool, doubts: doubts, labels: labels, allotments: allotments, logger: logger)
        let peers = PeerListener(
            ledger: ledger, upstream: upstream, running: running, live: live, slots: slots, pool: pool,
            closing: closing,
            reconciler: reconciler, logger: logger)
        let readiness = Readiness(ledger: ledger, upstream: upstream, running: running)
        await readiness.probe()
        let health = HealthRoutes(readiness: readiness)

        let webhook = Webhook(settings: settings, transport: transport)
        let notifier = Notifier(ledger: ledger, webhook: webhook, metrics: metrics.deliveries, logger: logger)

        let shipper = AuditShipper(
            ledger: ledger, sinks: AuditSinks.make(settings: settings, transport: transport, logger: logger),
            logger: logger)

        let watch = UpstreamWatch(upstream: upstream, slots: slots, pool: pool, reconciler: reconciler)
        GatewayStandings(
            upstream: watch, ledger: ledger, running: running, readiness: readiness, shipper: shipper,
            certificate: certificate
        ).add(to: metrics.registry)
        let history = HistoryTaker(
            ledger: ledger,
            reading: { [ledger, metrics] in HistoryReading(metrics.registry.snapshot(), watch, ledger) },
            logger: logger)

        let failures = FailedAuthentications()
        let socket = try ControlSocket(path: settings.controlSocketPath)
        defer { socket.remove() }
        let arrivals = Arrivals(expected: Set(Listener.Role.allCases)) { [onListening, settings] ports in
            socket.protect()
            await onListening(
                Addresses(
                    callers: settings.listen.url(port: ports[.callers], isSecure: settings.tls != nil),
                    administrators: settings.adminListen.url(
                        port: ports[.administrators], isSecure: settings.administratorsNeedTLS),
                    controlSocket: socket.path
                )
            )
        }

        let callers = Listener(
            .callers, at: .tcp(settings.listen), with: certificate,
            CallerRoutes(
                executions: ExecutionRoutes(runner: runner, ledger: ledger, running: running),
                account: AccountRoutes(ledger: ledger),
                sandboxes: SandboxRoutes(
                    control: sandboxes, ledger: ledger, resources: TemplateResources(upstream: upstream),
                    domain: settings.domain?.description),
                health: health, ledger: ledger, failures: failures,
                trustedProxies: settings.trustedProxies, isSecure: certificate != nil,
                dataPlane: DataPlane(
                    domain: settings.domain, ledger: ledger, live: live,
                    forwarder: CallForwarder(upstream: upstream, ledger: ledger), metrics: metrics.calls),
                metrics: metrics, sampling: settings.traceSampling
            ).router(),
            arrivals, logger
        )
        let doctor = Doctor(settings: settings, ledger: .open(ledger), upstream: upstream, readiness: readiness)
        let control = AdministratorsRouter(
            admin: AdminRoutes(
                ledger: ledger, upstream: upstream, running: running, live: live, slots: slots, doctor: doctor),
            health: health,
            upstream: UpstreamRoutes(watch: watch),
            views: ViewRoutes(
                ledger: ledger, control: sandboxes, reconciler: reconciler,
                overview: Overview(
                    ledger: ledger, watch: watch, running: running, shipper: shipper, history: history,
                    startedAt: ledger.now),
                settings: SettingView.all(settings, sources)),
            ledger: ledger,
            trustedProxies: settings.trustedProxies,
            metrics: metrics, sampling: settings.traceSampling
        )
        let administrators = Listener(
            .administrators, at: .tcp(settings.adminListen),
            with: settings.administratorsNeedTLS ? certificate : nil,
            control.router(
                authenticator: AdminAuthenticator(ledger: ledger, failures: failures),
                console: ConsoleRoutes(ledger: ledger, failures: failures),
                isSecure: settings.administratorsNeedTLS
            ),
            arrivals, logger
        )
        let commands = Listener(
            .commands, at: .socket(path: socket.path), control.router(authenticator: LocalAuthenticator()), arrivals,
            logger
        )

        // Stopped in reverse: the drain first, while everything still answers, then what leaves audit records, before what
        // ships them, and the ledger last.
        let drain = Drain(
            running: running, live: live, notice: settings.effectiveDrainNotice, patience: settings.drain,
            logger: logger)
        var services: [any Service] = [
            ledger, transport, shipper, history, notifier, allotments, slots, closing, reconciler, peers, keeper, maker,
            pool, readiness, TaskLag(metrics.registry),
            commands,
            administrators,
            callers, drain,
        ]
        if let certificate { services.insert(certificate, at: 0) }
        var configuration = ServiceGroupConfiguration(services: services, logger: logger)
        configuration.maximumGracefulShutdownDuration =
            settings.effectiveDrainNotice + settings.drain + Self.shutdownMargin
        try await ServiceGroup(configuration: configuration).run()
    }

    /// One for each execution that runs at once and a few for the control plane; beyond it calls would wait in line.
    private static let maximumUpstreamConnections = 8_192

    /// What remains after the drain: last settlements, last sandboxes.
    private static let shutdownMargin = Duration.seconds(30)
}

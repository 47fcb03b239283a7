import Foundation
import Hummingbird
public import Logging
import NIOCore
public import ServiceLifecycle

/// A small E2B for one Linux machine: the same protocol over HTTP, sandboxes made with bubblewrap.
///
/// Each listener serves the control plane and the data plane; a request is for a sandbox if it says so in
/// `E2b-Sandbox-Id` and `E2b-Sandbox-Port`, or in a host `{port}-{id}.…`. Any API key of E2B's form opens it
/// (`e2b_` and hexadecimal digits), and there is one team, which is the caller's; unless it is told which keys there are
/// and whose.
///
/// The kernel is the boundary. Sandboxes hold back mistakes and ordinary malice; they are not E2B's virtual
/// machines.
public struct LocalE2B: Service {
    /// Where it can be reached.
    public struct Addresses: Sendable {
        /// The port of the plain listener.
        public let port: Int
        /// Over TLS, as `E2B_DOMAIN` takes it: the domain, with the port where that is not 443.
        public let domain: String?
    }

    private let configuration: LocalE2BConfiguration
    private let logger: Logger
    private let onListening: @Sendable (Addresses) async -> Void
    /// How memory is guarded, if not as the machine allows; for tests.
    var memoryGuard: MemoryGuard?

    /// - Parameters:
    ///   - configuration: where to listen and what sandboxes get.
    ///   - logger: tells of sandboxes that do not start, and little else; never of code or output.
    ///   - onListening: called once, when requests are answered. Sandboxes may still be starting.
    public init(
        _ configuration: LocalE2BConfiguration, logger: Logger,
        onListening: @escaping @Sendable (Addresses) async -> Void
    ) {
        self.configuration = configuration
        self.logger = logger
        self.onListening = onListening
    }

    /// Serves until a graceful shutdown or cancellation, and returns when every sandbox is gone.
    /// - Throws: ``LocalE2BFailure`` if the machine lacks something, before anything is served.
    public func run() async throws {
        try configuration.validated()
        let preparation = HostPreparation(configuration: configuration)
        try preparation.checkPrograms()
        let directory = try RuntimeDirectory()
        defer { directory.remove() }
        let memory = memoryGuard ?? MemoryGuard.detect()
        defer { memory.remove() }
        let host = try await preparation.prepare(directory, memory: memory)
        try await preparation.trySandbox(on: host)
        let fleet = SandboxFleet(configuration, host: host, logger: logger)
        try await serve(fleet)
    }

    private func serve(_ fleet: SandboxFleet) async throws {
        try await withGracefulShutdownHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await fleet.run() }
                group.addTask { try await listen(fleet) }
                defer { group.cancelAll() }
                // The fleet ends when it is told to; the listener also when it fails.
                try await group.next()
                try await group.next()
            }
        } onGracefulShutdown: {
            fleet.shutDown()
        }
    }

    private func listen(_ fleet: SandboxFleet) async throws {
        let tokens = SandboxTokens()
        let switchboard = Switchboard(
            controlPlane: ControlPlane(
                fleet: fleet, tokens: tokens, limits: configuration.limits, keys: configuration.keys
            ).responder(),
            dataPlane: DataPlane(fleet: fleet, tokens: tokens, logger: logger)
        )
        let secure = try configuration.tls.map { try SecureListener($0, host: configuration.host) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            if let secure {
                group.addTask {
                    try await secure.run(switchboard, idleTimeout: Self.idleTimeout, logger: logger)
                }
            }
            group.addTask { try await listen(with: switchboard, beside: secure) }
            try await group.waitForAll()
        }
    }

    private func listen(
        with responder: some HTTPResponder<BasicRequestContext>, beside secure: SecureListener?
    ) async throws {
        let application = Application(
            responder: responder,
            server: .http1(configuration: .init(idleTimeout: .seconds(Self.idleTimeout))),
            configuration: ApplicationConfiguration(address: .hostname(configuration.host, port: configuration.port)),
            onServerRunning: { channel in
                let domain = await secure?.domain()
                guard secure == nil || domain != nil else { return }  // it failed, and its failure is told
                await onListening(Addresses(port: channel.localAddress?.port ?? configuration.port, domain: domain))
            },
            logger: logger
        )
        do {
            try await application.run()
        } catch let error as IOError {
            throw LocalE2BFailure.cannotListen(
                host: configuration.host, port: configuration.port, detail: error.localizedDescription
            )
        }
    }

    /// Seconds after which an idle connection is closed: that of E2B's edge.
    private static let idleTimeout: Int64 = 610
}

/// Sends each request to the plane it is for.
private struct Switchboard<ControlPlaneResponder: HTTPResponder<BasicRequestContext>>: HTTPResponder {
    let controlPlane: ControlPlaneResponder
    let dataPlane: DataPlane

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        do {
            guard let address = try dataPlane.address(of: request) else {
                return try await controlPlane.respond(to: request, context: context)
            }
            return try await dataPlane.respond(to: request, at: address)
        } catch let failure as SandboxAddress.Failure {
            return .text("\(failure)", status: .badRequest)
        }
    }
}

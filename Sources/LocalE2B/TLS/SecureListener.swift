import Hummingbird
import HummingbirdHTTP2
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import Synchronization

/// The same as on the plain listener, over TLS with HTTP/2 and HTTP/1.1, under a domain.
final class SecureListener: Sendable {
    private let tls: LocalE2BTLS
    private let host: String
    private let authority: ThrowAwayAuthority
    private let bound = Mutex<Int?>(nil)
    private let arrival = AsyncStream<Void>.makeStream()

    /// How long whoever holds a connection is waited for at the end. A client that reads only while it has a request open
    /// does not hear that it is to go.
    private static let farewell = Duration.seconds(2)

    /// Makes the authority and writes its certificate.
    init(_ tls: LocalE2BTLS, host: String) throws {
        self.tls = tls
        self.host = host
        authority = try ThrowAwayAuthority(domain: tls.domain)
        try authority.write(to: tls.authorityFile)
    }

    /// The domain with its port, as `E2B_DOMAIN` takes it, once requests are answered; nil if they never are.
    func domain() async -> String? {
        for await _ in arrival.stream {}
        return domainNow
    }

    private var domainNow: String? {
        bound.withLock { $0 }.map { $0 == 443 ? tls.domain : "\(tls.domain):\($0)" }
    }

    /// Serves until a graceful shutdown.
    func run(_ responder: some HTTPResponder<BasicRequestContext>, idleTimeout: Int64, logger: Logger) async throws {
        defer { arrival.continuation.finish() }
        let application = try Application(
            responder: SecureResponder(inner: responder) { [self] in domainNow },
            server: .http2Upgrade(
                tlsConfiguration: configuration,
                configuration: .init(
                    idleTimeout: .seconds(idleTimeout), streamConfiguration: .init(idleTimeout: .seconds(idleTimeout))
                )
            ),
            configuration: ApplicationConfiguration(address: .hostname(host, port: tls.port)),
            onServerRunning: { [self] channel in
                bound.withLock { $0 = channel.localAddress?.port ?? tls.port }
                arrival.continuation.finish()
            },
            logger: logger
        )
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await application.run() }
                group.addTask {
                    try await gracefulShutdown()
                    try await Task.sleep(for: Self.farewell)
                }
                try await group.next()
                group.cancelAll()
                try? await group.waitForAll()
            }
        } catch let error as IOError {
            throw LocalE2BFailure.cannotListen(host: host, port: tls.port, detail: error.localizedDescription)
        }
    }

    private var configuration: TLSConfiguration {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(authority.server)], privateKey: .privateKey(authority.serverKey))
        configuration.minimumTLSVersion = .tlsv12
        return configuration
    }
}

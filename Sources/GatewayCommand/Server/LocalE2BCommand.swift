import ArgumentParser
import Foundation
import Gateway
import LocalE2B
import Logging
import ServiceLifecycle
import UnixSignals

struct LocalE2BCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "local-e2b",
        abstract: "Run an E2B-compatible server on this machine.",
        discussion: """
            Point E2B_API_URL and E2B_SANDBOX_URL at it; any E2B_API_KEY of the form e2b_ and hex digits will do, \
            unless --keys names those that do. Sandboxes are bubblewrap containers: see the README for what they isolate and what not.

            With --tls-domain the same is served over TLS as well, by HTTP/2 and HTTP/1.1, under names such as \
            api.DOMAIN and 49999-ID.DOMAIN, with a certificate made at the start. Clients must find this machine under \
            them and trust the authority's certificate; what to set is told at the start.
            """
    )

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on; 0 takes any free one.")
    var port = 3000

    @Option(help: "Serve over TLS as well, under this domain, such as e2b.localhost.")
    var tlsDomain: String?

    @Option(help: "The port to listen on for TLS; 0 takes any free one.")
    var tlsPort = 3443

    @Option(name: .customLong("tls-ca"), help: "Where to write the certificate of the authority made at the start.")
    var authorityFile = "local-e2b-ca.pem"

    @Option(help: "Sandboxes kept ready.")
    var warm = 2

    @Option(help: "Sandboxes alive at once.")
    var maximum = 16

    @Option(help: "The Python environment that the sandboxes see, as `make setup` makes it.")
    var environment: String?

    @Option(help: "A file of the API keys to accept, each on a line with its team; read at each request.")
    var keys: String?

    @OptionGroup var format: OutputOptions

    func run() async throws {
        LoggingSystem.bootstrap { JSONLogHandler(label: $0) }
        var configuration = LocalE2BConfiguration()
        configuration.host = host
        configuration.port = port
        configuration.warmSandboxes = warm
        configuration.maximumSandboxes = maximum
        configuration.keysFile = keys
        if let environment { configuration.environment = environment }
        if let tlsDomain {
            configuration.tls = LocalE2BTLS(domain: tlsDomain, authorityFile: authorityFile)
            configuration.tls?.port = tlsPort
        }
        let server = LocalE2B(configuration, logger: Logger(label: "local-e2b")) { [self] in announce($0) }
        let group = ServiceGroupConfiguration(
            services: [server], gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger(label: "local-e2b")
        )
        try await ServiceGroup(configuration: group).run()
    }

    private struct Announcement: Encodable {
        let listening: String
        /// For `E2B_DOMAIN`.
        let domain: String?
        /// For `SSL_CERT_FILE`.
        let authority: String?
    }

    private func announce(_ addresses: LocalE2B.Addresses) {
        let authority = addresses.domain.map { _ in URL(fileURLWithPath: authorityFile).path }
        let announcement = Announcement(
            listening: "http://\(host):\(addresses.port)", domain: addresses.domain, authority: authority
        )
        try? format.print(announcement) { announcement in
            var text = "Local E2B on \(announcement.listening)"
            if let domain = announcement.domain, let authority = announcement.authority {
                text += "\nOver TLS, with these set:\nE2B_DOMAIN=\(domain)\nSSL_CERT_FILE=\(authority)"
            }
            return text
        }
        fflush(nil)  // whoever reads the pipe is waiting for this
    }
}

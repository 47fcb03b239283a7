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
            Point E2B_API_URL and E2B_SANDBOX_URL at it; any E2B_API_KEY of the form e2b_ and hex digits will do. \
            Sandboxes are bubblewrap containers: see the README for what they isolate and what not.
            """
    )

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on; 0 takes any free one.")
    var port = 3000

    @Option(help: "Sandboxes kept ready.")
    var warm = 2

    @Option(help: "Sandboxes alive at once.")
    var maximum = 16

    @Option(help: "The Python environment that the sandboxes see, as `make setup` makes it.")
    var environment: String?

    @OptionGroup var format: OutputOptions

    func run() async throws {
        LoggingSystem.bootstrap { JSONLogHandler(label: $0) }
        var configuration = LocalE2BConfiguration()
        configuration.host = host
        configuration.port = port
        configuration.warmSandboxes = warm
        configuration.maximumSandboxes = maximum
        if let environment { configuration.environment = environment }
        let server = LocalE2B(configuration, logger: Logger(label: "local-e2b")) { [host, format] port in
            let line =
                switch format.output {
                case .table: "Local E2B on http://\(host):\(port)\n"
                case .json: "{\"listening\":\"http://\(host):\(port)\"}\n"
                }
            try? FileHandle.standardOutput.write(contentsOf: Data(line.utf8))
        }
        let group = ServiceGroupConfiguration(
            services: [server], gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger(label: "local-e2b")
        )
        try await ServiceGroup(configuration: group).run()
    }
}

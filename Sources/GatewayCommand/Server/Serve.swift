import ArgumentParser
import Foundation
import Gateway
import Glibc
import Ledger
import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve callers until SIGTERM.",
        discussion: "Logs are JSON lines on standard error; standard output says once where it listens."
    )

    @Option(help: "A YAML file of settings, after the environment and .env.local.")
    var config: String?

    @OptionGroup var format: OutputOptions

    func run() async throws {
        let settings = try Settings.load(configFile: config).settings
        let level = settings.logLevel
        LoggingSystem.bootstrap { JSONLogHandler(label: $0, level: level) }
        let logger = Logger(label: "e2b-gateway")

        OpenFiles.raiseLimit()
        let ledger = try LedgerAccess.open(settings)
        let gateway = try GatewayService(settings: settings, ledger: ledger, logger: logger) { [format] addresses in
            Self.announce(addresses, format.output)
        }
        let configuration = ServiceGroupConfiguration(
            services: [gateway], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
        )
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE || error.errnoCode == EACCES {
            await ledger.close()
            throw CommandFailure(
                "GATEWAY_LISTEN \(settings.listen) cannot be listened on: \(String(cString: strerror(error.errnoCode)))."
            )
        }
        await ledger.close()
    }

    private static func announce(_ addresses: GatewayService.Addresses, _ format: OutputFormat) {
        let line =
            switch format {
            case .table: "Listening on \(addresses.callers); commands through \(addresses.controlSocket)\n"
            case .json: "{\"listening\":\"\(addresses.callers)\",\"socket\":\"\(addresses.controlSocket)\"}\n"
            }
        try? FileHandle.standardOutput.write(contentsOf: Data(line.utf8))
    }
}

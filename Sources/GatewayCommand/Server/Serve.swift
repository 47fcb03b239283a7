import ArgumentParser
import Foundation
import Gateway
import Glibc
import Ledger
import Logging
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
        let (settings, sources) = try Settings.load(configFile: config)
        let level = settings.logLevel
        LoggingSystem.bootstrap { JSONLogHandler(label: $0, level: level) }
        let logger = Logger(label: "e2b-gateway")

        OpenFiles.raiseLimit()
        let ledger = try LedgerAccess.open(settings)
        let gateway = try GatewayService(
            settings: settings, sources: sources, ledger: ledger, logger: logger
        ) { [format] addresses in
            Self.announce(addresses, format)
        }
        let configuration = ServiceGroupConfiguration(
            services: [gateway], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
        )
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch {
            await ledger.close()
            throw (error as? LedgerFailure).map { LedgerAccess.advice(on: $0, settings) } ?? error
        }
        await ledger.close()
    }

    private struct Addresses: Encodable {
        let listening: String
        let admin: String
        let socket: String
    }

    private static func announce(_ addresses: GatewayService.Addresses, _ format: OutputOptions) {
        let addresses = Addresses(
            listening: addresses.callers, admin: addresses.administrators, socket: addresses.controlSocket
        )
        try? format.print(addresses) {
            """
            Callers         \($0.listening)
            Administrators  \($0.admin), in a browser \($0.admin)/console
            Commands        \($0.socket)
            """
        }
        // Standard output is a pipe more often than not, and whoever reads it is waiting for this.
        fflush(nil)
    }
}

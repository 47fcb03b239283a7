import ArgumentParser
import Auth
import CurlTransport
import Foundation
import Gateway
import Ledger
import LocalE2B
import Logging
import ServiceLifecycle
import UnixSignals

struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run real Python through the whole gateway, on this machine.",
        discussion: """
            Starts a local E2B and a gateway on free ports with a temporary ledger, makes a tenant and a key, runs a \
            snippet, and shows its output, its chart, its cost and its audit records.
            """
    )

    @Flag(help: "Stay up afterwards, so that it can be tried and the console seen; Ctrl-C ends it.")
    var keep = false

    @Option(help: "The folder for the chart.")
    var charts = "demo-charts"

    func run() async throws {
        LoggingSystem.bootstrap { JSONLogHandler(label: $0, level: .error) }
        let logger = Logger(label: "demo")
        let folder = try Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ledgerPath = folder + "/gateway.db"
        let ledger = try Ledger.create(at: ledgerPath, rootKey: .random())

        let story = DemoStory(
            ledger: ledger, ledgerPath: ledgerPath, charts: charts, keepsRunning: keep, logger: logger)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: story, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        try await group.run()
        await ledger.close()
    }

    private static func temporaryFolder() throws -> String {
        let path = NSTemporaryDirectory() + "/e2b-gateway-demo-" + String(UInt32.random(in: .min ... .max), radix: 36)
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700]
        )
        return path
    }
}

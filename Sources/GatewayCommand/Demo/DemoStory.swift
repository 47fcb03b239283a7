import CurlTransport
import E2BUpstream
import Foundation
import Gateway
import Ledger
import LocalE2B
import Logging
import ServiceLifecycle

/// The demo, step by step.
struct DemoStory: Service {
    let ledger: Ledger
    let ledgerPath: String
    let charts: String
    let keepsRunning: Bool
    let logger: Logger

    private static let tenant = "demo"

    func run() async throws {
        let transport = CurlClient()
        do {
            try await tell(transport)
            await transport.shutdown()
        } catch {
            await transport.shutdown()
            throw error
        }
    }

    private func tell(_ transport: CurlClient) async throws {
        var progress = DemoProgress(steps: 4)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            let (sandboxes, port) = try await progress.perform("Starting the local E2B") {
                try await BackgroundService.start(in: &tasks, logger: logger, localE2B)
            }
            let (gateway, addresses) = try await progress.perform("Starting the gateway on a temporary ledger") {
                try await BackgroundService.start(in: &tasks, logger: logger) { ready in
                    let (settings, sources) = try settings(upstreamPort: port)
                    return try GatewayService(
                        settings: settings, sources: sources, ledger: ledger, logger: logger
                    ) { ready($0) }
                }
            }
            let admin = LedgerAdministration(ledger: ledger, actor: "demo")
            let issued = try await progress.perform("Creating the tenant \"\(Self.tenant)\" and a key") {
                _ = try await admin.createTenant(Self.tenant)
                return try await admin.issueKey(for: Self.tenant)
            }
            let caller = GatewayCaller(transport: transport, url: addresses.callers, token: issued.token)
            let run = try await progress.perform("Running Python through the gateway") { try await runSnippet(caller) }

            progress.say(run.text)
            progress.say(try await accounts(run, admin))
            if keepsRunning {
                let administrator = try await admin.issueAdminToken(named: "demo", scopes: nil)
                progress.say(waysIn(addresses, issued, administrator))
                try? await gracefulShutdown()
            } else {
                progress.say("\nTo try it yourself, and to see the console: make demo KEEP=1\n")
            }

            await gateway.stop()
            await sandboxes.stop()
            try await tasks.waitForAll()
        }
    }

    // MARK: Parts

    private func localE2B(_ ready: @escaping @Sendable (Int) -> Void) -> any Service {
        var configuration = LocalE2BConfiguration()
        configuration.port = 0
        return LocalE2B(configuration, logger: logger) { ready($0.port) }
    }

    private func settings(
        upstreamPort: Int
    ) throws -> (settings: Settings, sources: [SettingName: SettingSource]) {
        let url = "http://127.0.0.1:\(upstreamPort)"
        return try Settings.load(
            environment: [
                "GATEWAY_LISTEN": "127.0.0.1:0", "GATEWAY_ADMIN_LISTEN": "127.0.0.1:0",
                "GATEWAY_LEDGER": "sqlite:\(ledgerPath)", "E2B_API_URL": url, "E2B_SANDBOX_URL": url,
                "E2B_API_KEY": "e2b_" + String(repeating: "0", count: 40),
            ], directory: "/nonexistent")
    }

    private func runSnippet(_ caller: GatewayCaller) async throws -> DemoRun {
        var run = DemoRun(charts: try ChartFolder(charts))
        try await caller.stream(.init(code: DemoSnippet.code, contextData: DemoSnippet.contextData)) {
            try run.note($0)
        }
        guard run.outcome == "completed" else { throw CommandFailure("The snippet did not complete: \(run.output)") }
        return run
    }

    private func accounts(_ run: DemoRun, _ admin: LedgerAdministration) async throws -> String {
        let usage = try await admin.usage(of: Self.tenant, subject: nil)
        let records = try await admin.auditRecords(AuditFilter(execution: run.id)).records
        return """

            Runtime charged  \(run.runtimeMilliseconds) ms
            Quota left       \(usage.usage.runtime.map { "\($0.remainingMilliseconds / 1000) s this \($0.window)" }.joined(separator: ", "))

            Audit records of the call
            \(records.map { "  \($0.sequence)  \($0.record.text)" }.joined(separator: "\n"))

            """
    }

    private func waysIn(
        _ addresses: GatewayService.Addresses, _ issued: IssuedKeyView, _ administrator: IssuedAdminTokenView
    ) -> String {
        """

        Try it while this stays up (Ctrl-C ends it):

        curl -N \(addresses.callers)/v1/executions \\
          -H 'Authorization: Bearer \(issued.token)' \\
          -H 'Content-Type: application/json' -H 'Accept: application/x-ndjson' \\
          -d '{"code": "import sys; print(sys.version)"}'

        The console: \(addresses.administrators)/console
        Sign in with \(administrator.token)

        """
    }
}

/// What the demo's snippet did.
struct DemoRun {
    var charts: ChartFolder
    private(set) var id = ""
    private(set) var output = ""
    private(set) var outcome = ""
    private(set) var runtimeMilliseconds: Int64 = 0

    init(charts: ChartFolder) {
        self.charts = charts
    }

    mutating func note(_ event: ClientEvent) throws {
        switch event.type {
        case "started": id = event.id ?? ""
        case "stdout", "stderr": output += event.text ?? ""
        case "exception": output += event.traceback ?? ""
        case "result": try charts.save(event)
        case "finished":
            outcome = event.outcome ?? ""
            runtimeMilliseconds = event.runtimeMilliseconds ?? 0
        case "failed":
            throw CommandFailure(event.problem.map { "\($0.title): \($0.detail)" } ?? "The stream broke off.")
        default: break
        }
    }

    var text: String {
        "\n\(output)\n" + charts.saved.map { "Chart saved to \($0)\n" }.joined()
    }
}

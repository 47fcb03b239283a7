import E2BUpstream
import Ledger
import Logging
import ServiceLifecycle

/// Finds sandboxes of executions that are over and has them destroyed; see ``Strays``.
struct LostSandboxes: Service {
    let ledger: Ledger
    let upstream: E2BClient
    let closing: ExecutionClosing
    let slots: UpstreamSlots
    let logger: Logger

    /// Pauses between the looks: soon again after the start, since a create that a dead gateway began may still be under
    /// way upstream.
    private static let firstPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(60)

    func run() async throws {
        var pause = Self.firstPause
        var strays = Strays(ledger: ledger, closing: closing, slots: slots, logger: logger)
        while true {
            await look(for: &strays)
            let wait = pause
            let mayGoOn: Void? = try? await cancelWhenGracefulShutdown { try await Task.sleep(for: wait) }
            guard mayGoOn != nil else { return }
            pause = min(pause * 2, Self.longestPause)
        }
    }

    private func look(for strays: inout Strays) async {
        do {
            let listed = try await upstream.listSandboxes(metadata: SandboxLabels.executions)
            try await strays.destroy(
                among: listed, of: SandboxLabels.execution, over: ledger.finishedExecutions(among:))
        } catch {
            logger.debug("sandboxes could not be compared with the ledger", metadata: ["error": "\(error)"])
        }
    }
}

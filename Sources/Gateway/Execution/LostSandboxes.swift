import E2BUpstream
import Ledger
import Logging
import ServiceLifecycle

/// Finds sandboxes of executions that are over and has them destroyed.
///
/// Between upstream's answer to a create and the ledger's record of it there is a moment in which only upstream knows the
/// sandbox; who is killed then leaves one that stands in no ledger. Its labels say whose it is.
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
        var found: Set<String> = []
        while true {
            await look(beyond: &found)
            let wait = pause
            let mayGoOn: Void? = try? await cancelWhenGracefulShutdown { try await Task.sleep(for: wait) }
            guard mayGoOn != nil else { return }
            pause = min(pause * 2, Self.longestPause)
        }
    }

    /// - Parameter found: those that are being destroyed already.
    private func look(beyond found: inout Set<String>) async {
        do {
            let labelled = try await upstream.listSandboxes(metadata: SandboxLabels.executions)
            found.formIntersection(labelled.map(\.id))
            // Those that the ledger knows to be doomed are being destroyed already.
            found.formUnion(try await ledger.sandboxesToDestroy())
            let holders = Dictionary(grouping: labelled) { $0.metadata[SandboxLabels.execution] ?? "" }
            let over = try await ledger.finishedExecutions(among: Array(holders.keys))
            for execution in over {
                for sandbox in holders[execution] ?? [] where found.insert(sandbox.id).inserted {
                    logger.notice(
                        "destroying a sandbox that outlived its execution",
                        metadata: ["sandbox": "\(sandbox.id)", "execution": "\(execution)"]
                    )
                    closing.destroy(DoomedSandbox(id: sandbox.id, slot: slots.slotOfLeftover()))
                }
            }
        } catch {
            logger.debug("sandboxes could not be compared with the ledger", metadata: ["error": "\(error)"])
        }
    }
}

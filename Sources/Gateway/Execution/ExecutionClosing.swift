import E2BUpstream
import Ledger
import Logging
import Quota
import ServiceLifecycle
import Synchronization

/// A sandbox to be destroyed, and the slot that is free again once it is.
struct DoomedSandbox: Sendable {
    let id: String
    let slot: UpstreamSlot
}

/// Ends what executions leave behind: settles their leases and destroys their sandboxes, again and again until they
/// are gone. What is not done at shutdown stands in the ledger and is done at the next start.
final class ExecutionClosing: Service {
    private enum Work: Sendable {
        case destroy(DoomedSandbox)
        case abandon(Lease, DoomedSandbox, heldMilliseconds: Int64)
    }

    private let ledger: Ledger
    private let upstream: E2BClient
    private let metrics: CallMetrics
    private let stages: StageClock
    private let logger: Logger
    private let work: AsyncStream<Work>
    private let queue: AsyncStream<Work>.Continuation
    /// What is to be destroyed and is not yet.
    private let doomed = Mutex<Set<String>>([])

    init(ledger: Ledger, upstream: E2BClient, metrics: CallMetrics, stages: StageClock, logger: Logger) {
        self.ledger = ledger
        self.upstream = upstream
        self.metrics = metrics
        self.stages = stages
        self.logger = logger
        (work, queue) = AsyncStream.makeStream()
    }

    /// Settles and has the sandbox destroyed. Returns `nil` if the ledger cannot be written now; it then settles later.
    func settle(
        _ lease: Lease, with result: ExecutionResult, leaving remainder: Remainder, dooming sandbox: DoomedSandbox
    ) async -> SettledExecution? {
        defer { queue.yield(.destroy(sandbox)) }
        return await settle(lease, with: result, leaving: remainder)
    }

    /// Has a sandbox destroyed that no lease holds.
    func destroy(_ sandbox: DoomedSandbox) {
        _ = doomed.withLock { $0.insert(sandbox.id) }
        queue.yield(.destroy(sandbox))
    }

    /// Whether a sandbox is to be destroyed that no lease holds, and is not yet.
    func isDestroying(_ sandboxID: String) -> Bool { doomed.withLock { $0.contains(sandboxID) } }

    /// Gives back all of a lease whose sandbox was never made.
    func settleUnheld(
        _ lease: Lease, outcome: Outcome, reason: String?, leaving remainder: Remainder = .nothing
    ) async {
        let nothingRan = ExecutionResult(
            outcome: outcome, reason: reason, heldMilliseconds: 0, outputBytes: 0, exceptionName: nil
        )
        _ = await settle(lease, with: nothingRan, leaving: remainder)
    }

    /// For an execution whose reply was never begun. Callable from a `deinit`.
    func abandon(_ lease: Lease, dooming sandbox: DoomedSandbox, heldMilliseconds: Int64) {
        queue.yield(.abandon(lease, sandbox, heldMilliseconds: heldMilliseconds))
    }

    /// Has those destroyed that were left over from before the start. They hold slots until they are.
    func destroyLeftovers(holding slots: UpstreamSlots) async {
        for id in (try? await ledger.leftoverSandboxes()) ?? [] {
            destroy(DoomedSandbox(id: id, slot: slots.slotOfLeftover()))
        }
    }

    func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await item in work {
                    group.addTask { await self.perform(item) }
                }
            }
        } onGracefulShutdown: {
            self.queue.finish()
        }
    }

    private func perform(_ work: Work) async {
        switch work {
        case .destroy(let sandbox):
            await destroyForSure(sandbox)
        case .abandon(let lease, let sandbox, let heldMilliseconds):
            let left = ExecutionResult(
                outcome: .cancelled, reason: "caller_left", heldMilliseconds: heldMilliseconds, outputBytes: 0,
                exceptionName: nil
            )
            _ = await settle(lease, with: left, leaving: .nothing)
            await destroyForSure(sandbox)
        }
    }

    private func settle(
        _ lease: Lease, with result: ExecutionResult, leaving remainder: Remainder
    ) async -> SettledExecution? {
        let settled = await stages.time(.settle) { await tryToSettle(lease, with: result, leaving: remainder) }
        if settled?.wasSettledBefore != true { metrics.settled(result.outcome) }
        return settled
    }

    private func tryToSettle(
        _ lease: Lease, with result: ExecutionResult, leaving remainder: Remainder
    ) async -> SettledExecution? {
        do {
            return try await ledger.settle(lease, with: result, leaving: remainder)
        } catch {
            logger.error(
                "settlement waits for the ledger",
                metadata: ["execution": "\(lease.executionID)", "error": "\(error)"]
            )
            return nil
        }
    }

    /// Tries until upstream confirms that the sandbox is gone, or the gateway shuts down.
    private func destroyForSure(_ sandbox: DoomedSandbox) async {
        var pause = Duration.milliseconds(200)
        while true {
            do {
                try await upstream.destroy(sandbox.id)
                sandbox.slot.release()
                _ = doomed.withLock { $0.remove(sandbox.id) }
                await ledger.sandboxDestroyed(sandbox.id)
                return
            } catch {
                logger.warning(
                    "sandbox not destroyed yet", metadata: ["sandbox": "\(sandbox.id)", "error": "\(error.reason)"]
                )
            }
            let wait = pause
            let mayGoOn: Void? = try? await cancelWhenGracefulShutdown { try await Task.sleep(for: wait) }
            guard mayGoOn != nil else { return }
            pause = min(pause * 2, .seconds(60))
        }
    }
}

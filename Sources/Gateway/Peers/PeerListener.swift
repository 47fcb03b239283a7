import E2BUpstream
import Ledger
import Logging
import ServiceLifecycle

/// Acts on what other gateways of the same ledger did, on what administrators end through this one, and on what others will do
/// if this one cannot reach the ledger: what runs here must not outlive the right to run.
struct PeerListener: Service {
    let ledger: Ledger
    let upstream: E2BClient
    let running: RunningExecutions
    let live: LiveSandboxes
    let slots: UpstreamSlots
    let pool: WarmPool
    let closing: ExecutionClosing
    let reconciler: Reconciler
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await news in self.ledger.news { self.act(on: news) }
        }
    }

    private func act(on news: PeerNews) {
        switch news {
        case .keyRevoked(let key):
            running.stopAll(of: key)
            live.stopAll(of: key)
        case .keySuspended(let key): live.stopAll(of: key)
        case .tenantShutOut(let tenant): live.stopAll(ofTenant: tenant)
        case .tenantsChanged: slots.refreshGuarantees()
        case .upstreamKeysChanged: upstream.keys.refresh(from: ledger)
        case .sandboxLeft(let id): left(id)
        case .stopAsked(let execution, let reason):
            running.stop(execution, because: reason.map(StopReason.ended) ?? .cancelled)
        case .sandboxesEnded(let ids): for id in ids { destroy(id) }
        case .cutOff:
            logger.error(
                "the ledger cannot be reached; what runs here is ended before other gateways take it over",
                metadata: ["executions": "\(running.count)"])
            running.stopAll(.ledgerLost)
            live.stopAll(.ledgerLost)
        case .replaced:
            logger.error(
                "other gateways took this one for dead and settled what it ran; it goes on anew",
                metadata: ["executions": "\(running.count)"])
            running.stopAll(.ledgerLost)
            // It has no part of upstream's room under its new number, and what it made stands under the old one.
            live.countedElsewhere()
            slots.want()
            // Their labels name a gateway that is gone: others destroy them.
            pool.discard()
        case .steppedIn(let report):
            logger.warning(
                "stepped in for a dead gateway",
                metadata: ["leases": "\(report.executions.count)", "sandboxes": "\(report.sandboxes.count)"])
            for id in report.sandboxes { closing.destroy(DoomedSandbox(id: id, slot: slots.slotOfLeftover())) }
            reconciler.stepIn()
        }
    }

    /// Whoever ended it has it destroyed, whichever gateway made it.
    private func destroy(_ sandboxID: String) {
        closing.destroy(DoomedSandbox(id: sandboxID, slot: live.leave(sandboxID) ?? slots.slotOfLeftover()))
    }

    /// What ended takes up room until it is gone, whoever destroys it; what sleeps takes none.
    private func left(_ sandboxID: String) {
        // It may have been woken since.
        guard ledger.runningSandbox(sandboxID) == nil else { return }
        guard let slot = live.leave(sandboxID) else { return }
        if ledger.isAsleep(sandboxID) {
            slot.release()
        } else {
            closing.destroy(DoomedSandbox(id: sandboxID, slot: slot))
        }
    }
}

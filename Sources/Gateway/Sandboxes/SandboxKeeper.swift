import Ledger
import Logging
import ServiceLifecycle

/// Ends tenants' sandboxes whose time is over, or whose key was revoked.
struct SandboxKeeper: Service {
    let ledger: Ledger
    let control: SandboxControl
    let live: LiveSandboxes
    let logger: Logger

    /// How late a sandbox may end.
    private static let rhythm = Duration.milliseconds(200)

    /// Takes up those that run from before the start; they hold slots. Where several gateways share the ledger it counts them.
    func takeUp(from slots: UpstreamSlots) {
        guard !ledger.isShared else { return }
        for sandbox in ledger.runningSandboxes() {
            live.hold(slots.slotOfLeftover(), for: sandbox.id, of: sandbox.keyID, sandbox.tenant)
        }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { await self.endOverdue() }
    }

    private func endOverdue() async {
        await withDiscardingTaskGroup { sleepers in
            while (try? await Task.sleep(for: Self.rhythm)) != nil {
                // In vain only while the ledger is down, which others tell; they are ended then.
                for sandbox in (try? await ledger.endOverdueSandboxes()) ?? [] {
                    logger.info("sandbox's time is over", metadata: sandbox.logged)
                    if sandbox.state == .paused {
                        // Upstream does so by itself, a little later; this frees the slot now. Nobody else waits for it.
                        sleepers.addTask { await control.letSleep(sandbox) }
                    } else {
                        control.destroy(sandbox)
                    }
                }
            }
        }
    }
}

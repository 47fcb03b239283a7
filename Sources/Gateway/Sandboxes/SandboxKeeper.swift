import E2BUpstream
import Ledger
import Logging
import ServiceLifecycle

/// Ends tenants' sandboxes whose time is over, whose key was revoked, or which upstream lost.
struct SandboxKeeper: Service {
    let ledger: Ledger
    let upstream: E2BClient
    let control: SandboxControl
    let live: LiveSandboxes
    let logger: Logger

    /// How late a sandbox may end.
    private static let rhythm = Duration.milliseconds(200)
    /// Pauses between two comparisons with what upstream has: soon again after the start.
    private static let firstComparison = Duration.seconds(2)
    private static let longestPause = Duration.seconds(60)

    /// Takes up those that run from before the start; they hold slots.
    func takeUp(from slots: UpstreamSlots) {
        for sandbox in ledger.runningSandboxes() {
            live.hold(slots.slotOfLeftover(), for: sandbox.id, of: sandbox.keyID, sandbox.tenant)
        }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.endOverdue() }
                group.addTask { await self.compare() }
            }
        }
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

    // MARK: What upstream has

    private func compare() async {
        var pause = Self.firstComparison
        var seen = Seen()
        var strays = Strays(
            ledger: ledger, closing: control.closing, slots: control.source.slots, logger: logger)
        while (try? await Task.sleep(for: pause)) != nil {
            await look(&seen, &strays)
            pause = min(pause * 2, Self.longestPause)
        }
    }

    /// What was seen the last time. A list may be a moment behind, so that it takes two to act.
    private struct Seen {
        /// Those that run by the ledger and that upstream did not have.
        var missing: Set<String> = []
        /// Those that sleep by the ledger and ran upstream.
        var sleepless: Set<String> = []
    }

    private func look(_ seen: inout Seen, _ strays: inout Strays) async {
        let expected = ledger.runningSandboxes()
        do {
            let listed = try await upstream.listSandboxes(metadata: SandboxLabels.owned)
            let ids = Set(listed.map(\.id))
            let lost = expected.filter { !ids.contains($0.id) }
            for sandbox in lost where seen.missing.contains(sandbox.id) {
                try? await control.lost(sandbox, .sandboxGone)
            }
            seen.missing = Set(lost.map(\.id))

            let sleepless = listed.filter { $0.state == .running }.compactMap { ledger.pausedSandbox($0.id) }
            for sandbox in sleepless where seen.sleepless.contains(sandbox.id) { await control.letSleep(sandbox) }
            seen.sleepless = Set(sleepless.map(\.id))

            try await strays.destroy(among: listed, of: SandboxLabels.handle, over: ledger.endedSandboxes(among:))
        } catch {
            logger.debug("sandboxes could not be compared with the ledger", metadata: ["error": "\(error)"])
        }
    }
}

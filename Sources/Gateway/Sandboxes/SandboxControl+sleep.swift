import E2BUpstream
import Ledger
import Logging

/// Putting sandboxes to sleep and waking them. What sleeps costs nothing, so that nothing may run of which the books say that
/// it sleeps: where upstream leaves that in doubt, the sandbox is put to sleep again, and if that fails ended.
extension SandboxControl {
    /// Puts a sandbox to sleep.
    func pause(_ sandbox: OwnedSandbox, for context: TenantContext) async throws(Problem) {
        try await turns.turn(at: sandbox.id) { () throws(Problem) in
            let sandbox = try present(sandbox)
            guard sandbox.state == .running else { throw .alreadyPaused(sandbox.id) }
            do throws(UpstreamFailure) {
                try await upstream.pause(sandbox.id)
            } catch {
                try await lost(sandbox, error)
                throw Problem(living: error)
            }
            do throws(SandboxFailure) {
                _ = try await ledger.pause(sandbox.handle, for: SandboxCaller(context), because: "asked")
            } catch {
                try await refused(error, pausing: sandbox)
            }
            live.leave(sandbox.id)?.release()
        }
    }

    /// Upstream sleeps and the ledger did not take it: what goes on in the ledger goes on upstream. What the ledger has put
    /// to sleep meanwhile, its time being over, sleeps; what it has ended is being destroyed.
    private func refused(_ failure: SandboxFailure, pausing sandbox: OwnedSandbox) async throws(Problem) {
        switch ledger.sandbox(sandbox.handle)?.state {
        case .running:
            try? await upstream.connect(to: sandbox.id, seconds: upstreamSeconds(of: sandbox))
            throw Problem(failure)
        case .paused: return
        case .creating, .ended, nil: throw .noSandbox(sandbox.id)
        }
    }

    /// Has a sandbox sleep upstream that the ledger has put to sleep, unless it was woken meanwhile. One that cannot be put
    /// to sleep is ended: it would run on for nobody's account.
    func letSleep(_ sandbox: OwnedSandbox) async {
        await turns.turn(at: sandbox.id) {
            guard ledger.sandbox(sandbox.handle)?.state == .paused else { return }
            do throws(UpstreamFailure) {
                try await upstream.pause(sandbox.id)
                live.leave(sandbox.id)?.release()
            } catch {
                await endAsleep(sandbox, because: error)
            }
        }
    }

    /// Has a sandbox sleep in the books that sleeps upstream: the answer to its pause was lost.
    ///
    /// - Returns: whether it does.
    func fellAsleep(_ sandbox: OwnedSandbox) async -> Bool {
        await turns.turn(at: sandbox.id) {
            guard ledger.sandbox(sandbox.handle)?.state == .running,
                let told = try? await upstream.detail(of: sandbox.id), told["state"] == .string("paused")
            else { return false }
            _ = try? await ledger.pause(sandbox.handle, for: nil, because: "asleep_upstream")
            live.leave(sandbox.id)?.release()
            return true
        }
    }

    private func endAsleep(_ sandbox: OwnedSandbox, because failure: UpstreamFailure) async {
        logger.warning("sandbox cannot be put to sleep and is ended", metadata: sandbox.logged)
        let reason = failure == .sandboxGone ? SandboxEnd.gone : SandboxEnd.notAsleep
        _ = try? await ledger.endSandbox(sandbox.handle, for: nil, because: reason)
        destroy(sandbox)
    }

    /// Lets a caller have a sandbox: wakes it if it sleeps, or sees that it lasts.
    ///
    /// - Returns: the sandbox, and whether it was asleep.
    func connect(
        _ sandbox: OwnedSandbox, for seconds: Int64, _ context: TenantContext
    ) async throws(Problem) -> (OwnedSandbox, wasAsleep: Bool) {
        try SandboxCaller(context).requireAsWide(as: sandbox)
        return try await turns.turn(at: sandbox.id) { () throws(Problem) in
            let sandbox = try present(sandbox)
            guard sandbox.state == .paused else {
                return (try await prolongInTurn(sandbox, by: seconds, isExtension: true, for: context), false)
            }
            guard !running.isDraining else { throw .draining }
            return (try await wake(sandbox, for: seconds, context), true)
        }
    }

    private func wake(
        _ sandbox: OwnedSandbox, for seconds: Int64, _ context: TenantContext
    ) async throws(Problem) -> OwnedSandbox {
        let slot: UpstreamSlot
        switch await source.slots.slot(for: sandbox.tenant, unless: StopSignal()) {
        case .held(let held): slot = held
        case .refused(let refusal): throw Problem(refusal)
        case .stopped: throw .draining
        }
        live.hold(slot, for: sandbox.id, of: sandbox.keyID, sandbox.tenant)
        let awake: OwnedSandbox
        do {
            awake = try await ledger.resume(sandbox.handle, for: seconds * 1000, by: SandboxCaller(context))
        } catch {
            live.leave(sandbox.id)?.release()
            throw Problem(error, noted: context.note)
        }
        do {
            try await upstream.connect(to: sandbox.id, seconds: upstreamSeconds(of: awake))
            return awake
        } catch {
            try await lost(awake, error)
            await putBack(awake, because: error)
            throw Problem(living: error)
        }
    }

    /// A sandbox could not be woken, or nobody knows whether it was: it sleeps again, here and there.
    private func putBack(_ sandbox: OwnedSandbox, because failure: UpstreamFailure) async {
        do throws(UpstreamFailure) {
            if failure.leavesDoubt { try await upstream.pause(sandbox.id) }
            _ = try? await ledger.pause(sandbox.handle, for: nil, because: failure.reason)
            live.leave(sandbox.id)?.release()
        } catch {
            await endAsleep(sandbox, because: error)
        }
    }
}

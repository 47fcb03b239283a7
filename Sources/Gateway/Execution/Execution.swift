import AsyncAlgorithms
import CurlTransport
import E2BUpstream
import Ledger
import Logging
import Quota
import Synchronization

/// One admitted execution that holds a sandbox, from there to its settlement.
///
/// Whatever happens, it is settled exactly once: by ``run(into:)``, or, if its reply was never begun, when it is
/// dropped.
final class Execution: Sendable {
    private let lease: Lease
    private let order: ExecutionOrder
    private let holding: Mutex<HeldSandbox>
    /// How long it waited for its sandbox.
    private let queuedMilliseconds: Int64
    private let registration: RunningExecutions.Registration
    private let runner: ExecutionRunner
    /// Of the call that began it: it runs while the reply is written, outside of that.
    private let trace = TraceHeaders.current
    /// Nil while there is none: the time in which another is made is nobody's.
    private let heldSince = Mutex<ContinuousClock.Instant?>(.now)
    /// Those that were held before, and are gone or on their way.
    private let replaced = Mutex<[DoomedSandbox]>([])
    private let hasBegun = Mutex(false)

    init(
        order: ExecutionOrder, lease: Lease, holding: HeldSandbox, queuedMilliseconds: Int64,
        registration: RunningExecutions.Registration, runner: ExecutionRunner
    ) {
        self.order = order
        self.lease = lease
        self.holding = Mutex(holding)
        self.queuedMilliseconds = queuedMilliseconds
        self.registration = registration
        self.runner = runner
        registration.hold(holding.sandbox.id)
    }

    deinit {
        guard !hasBegun.withLock(\.self) else { return }
        runner.closing.abandon(lease, dooming: held.doomed, heldMilliseconds: heldMilliseconds)
    }

    var id: String { begun.id }
    var begun: BegunExecution { BegunExecution(lease, queuedMilliseconds: queuedMilliseconds) }
    private var held: HeldSandbox { holding.withLock(\.self) }
    private var stop: StopSignal { registration.stop }
    private var heldMilliseconds: Int64 {
        heldSince.withLock(\.self).map { (ContinuousClock.now - $0).wholeMilliseconds } ?? 0
    }

    /// Runs the code, hands on what it emits as it comes, and settles.
    ///
    /// `events` is a rendezvous: a slow reader slows the sandbox down, and nothing piles up here. The settlement waits
    /// for no reader.
    func run(into events: AsyncChannel<ExecutionEvent>) async -> FinishedExecution {
        hasBegun.withLock { $0 = true }
        async let recorded: Void = runner.ledger.recordSandbox(held.sandbox.id, for: lease)
        let progress = ExecutionProgress(keepsEvents: lease.isKeyed)
        var ending = await TraceHeaders.carrying(trace) {
            await runner.source.stages.time(.execute) { await runUntilStopped(into: events, progress) }
        }
        let heldFor = heldMilliseconds
        events.finish()
        await recorded

        let result = ExecutionResult(
            outcome: ending.outcome, reason: ending.reason, heldMilliseconds: heldFor, outputBytes: ending.outputBytes,
            exceptionName: ending.exceptionName
        )
        let settled = await runner.closing.settle(
            lease, with: result, leaving: remainder(of: ending, progress.kept), dooming: held.doomed)
        ending.runtimeMilliseconds = settled?.chargedMilliseconds ?? min(heldFor, lease.grant.timeoutMilliseconds)
        for dead in replaced.withLock(\.self) { runner.closing.destroy(dead) }
        registration.leave()
        logFinish(ending)
        return FinishedExecution(begun, ending, events: progress.kept.flatMap { $0.isTooMuch ? nil : $0.events })
    }

    /// What is left of it to whoever repeats the request.
    private func remainder(of ending: ExecutionEnding, _ kept: KeptEvents?) -> Remainder {
        guard let kept else { return .state(.lost) }
        guard !kept.isTooMuch else { return .state(.tooLarge) }
        return KeptReply(FinishedExecution(begun, ending), kept.events, outputLimit: order.outputBytes).remainder
    }

    private func logFinish(_ ending: ExecutionEnding) {
        runner.logger.info(
            "execution finished",
            metadata: [
                "execution": "\(id)", "tenant": "\(runner.ledger.tenantName(lease.tenant))",
                "outcome": "\(ending.outcome.rawValue)",
                "reason": "\(ending.reason ?? "")", "runtime_ms": "\(ending.runtimeMilliseconds)",
                "output_bytes": "\(ending.outputBytes)",
            ]
        )
    }

    /// Races the code against its deadline and its stop signal.
    private func runUntilStopped(
        into events: AsyncChannel<ExecutionEvent>, _ progress: ExecutionProgress
    ) async -> ExecutionEnding {
        await withTaskGroup(of: ExecutionEnding?.self) { group in
            group.addTask { await self.consume(into: events, progress) }
            group.addTask { [stop] in
                await stop.wait()
                return nil
            }
            group.addTask { [stop] in
                await self.waitForDeadline()
                if !Task.isCancelled { stop.stop(.deadline) }
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            // The reply's task is cancelled when its caller cannot be written to any more.
            if let reason = stop.reason ?? (Task.isCancelled ? .callerLeft : nil) {
                return progress.ending(stoppedBy: reason)
            }
            return first ?? progress.ending(stoppedBy: .callerLeft)
        }
    }

    /// Returns when the granted timeout is over, or the task is cancelled.
    private func waitForDeadline() async {
        while !Task.isCancelled {
            let deadline = heldSince.withLock(\.self).map { $0 + .milliseconds(lease.grant.timeoutMilliseconds) }
            if let deadline, deadline <= .now { return }
            try? await Task.sleep(until: deadline ?? .now + .milliseconds(50), clock: .continuous)
        }
    }

    private func consume(
        into events: AsyncChannel<ExecutionEvent>, _ progress: ExecutionProgress
    ) async -> ExecutionEnding {
        do {
            for try await event in try await start() {
                progress.note(event)
                await events.send(event)
            }
            return progress.ending()
        } catch {
            return progress.ending(failedWith: error)
        }
    }

    /// Has the code run. A warm sandbox may have died while it waited: then nothing has run, and another one is made.
    private func start() async throws(UpstreamFailure) -> ExecutionEvents {
        let code = CodeOrder(code: order.code, contextData: order.contextData, environment: order.environment)
        do throws(UpstreamFailure) {
            return try await runner.upstream.execute(code, in: held.sandbox)
        } catch {
            guard held.wasWarm, error.meansNothingRan else { throw error }
            try await replaceSandbox(insteadOf: error)
            return try await runner.upstream.execute(code, in: held.sandbox)
        }
    }

    private func replaceSandbox(insteadOf failure: UpstreamFailure) async throws(UpstreamFailure) {
        let wanted = runner.sandboxOrder(order, under: lease)
        heldSince.withLock { $0 = nil }
        held.slot.release()
        guard case .made(let sandbox, let slot) = await runner.source.sandbox(wanted, for: lease.tenant, unless: stop)
        else { throw failure }
        let dead = holding.withLock { holding in
            defer { holding = HeldSandbox(sandbox: sandbox, slot: slot, wasWarm: false) }
            return holding
        }
        // Destroyed after the settlement, which marks all that this execution has held.
        replaced.withLock { $0.append(dead.doomed) }
        registration.hold(sandbox.id)
        heldSince.withLock { $0 = .now }
        await runner.ledger.recordSandbox(sandbox.id, for: lease)
    }
}

extension UpstreamFailure {
    /// Whether a sandbox that fails like this has certainly run nothing of what it was sent.
    fileprivate var meansNothingRan: Bool {
        switch self {
        case .sandboxGone, .unreachable(.refused), .unreachable(.unresolvable), .unreachable(.connectTimedOut): true
        default: false
        }
    }
}

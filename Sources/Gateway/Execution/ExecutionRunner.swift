import Auth
import E2BUpstream
import HTTPTypes
import Ledger
import Logging
import Quota

/// Takes an order through admission to a sandbox: the middle of the story that ``ExecutionRoutes`` tells.
struct ExecutionRunner: Sendable {
    let ledger: Ledger
    let upstream: E2BClient
    let source: SandboxSource
    let closing: ExecutionClosing
    let running: RunningExecutions
    let logger: Logger

    /// How long a sandbox outlives its execution's timeout, so that a dead gateway leaves nothing running for long.
    private static let lifetimeMarginSeconds: Int64 = 30

    /// An admitted execution: holding its sandbox, or stopped before there was one.
    enum Beginning: Sendable {
        case holding(Execution)
        case stopped(FinishedExecution)
    }

    /// Admits the order, waits for its turn and makes its sandbox.
    ///
    /// - Parameter departure: the signal of the caller's connection.
    /// - Throws: a ``Problem``; whatever was reserved has then been given back.
    func begin(
        _ order: ExecutionOrder, for context: TenantContext, departure: StopSignal
    ) async throws(Problem) -> Beginning {
        let registration = try running.enter(
            ExecutionID.random(), tenant: context.principal.tenant, keyID: context.principal.keyID,
            departure: departure
        )
        let lease = try await admit(order, as: registration.id, for: context)
        let admitted = ContinuousClock.now
        var waited: Int64 { (ContinuousClock.now - admitted).wholeMilliseconds }
        switch await source.sandbox(sandboxOrder(order, under: lease), for: lease.tenant, unless: registration.stop) {
        case .made(let sandbox, let slot):
            return .holding(
                Execution(
                    order: order, lease: lease, sandbox: sandbox, slot: slot, queuedMilliseconds: waited,
                    registration: registration, runner: self
                )
            )
        case .refused(let refusal):
            throw await notBegun(lease, reason: refusal.reason, Problem(refusal))
        case .failed(let failure):
            throw await notBegun(lease, reason: failure.reason, Problem(creating: failure))
        case .stopped(let reason):
            let ending = ExecutionProgress().ending(stoppedBy: reason)
            await closing.settleUnheld(lease, outcome: ending.outcome, reason: ending.reason)
            return .stopped(FinishedExecution(lease: lease, ending: ending, queuedMilliseconds: waited))
        }
    }

    private func notBegun(_ lease: Lease, reason: String, _ problem: Problem) async -> Problem {
        await closing.settleUnheld(lease, outcome: .killed, reason: reason)
        var problem = problem
        problem.headers = lease.headers
        return problem
    }

    private func admit(
        _ order: ExecutionOrder, as id: ExecutionID, for context: TenantContext
    ) async throws(Problem) -> Lease {
        let principal = context.principal
        do {
            return try await ledger.admit(
                AdmissionOrder(
                    executionID: id,
                    tenant: principal.tenant,
                    keyID: principal.keyID,
                    subject: principal.claims.subject,
                    requestID: context.requestID,
                    sourceAddress: context.sourceAddress,
                    timeoutMilliseconds: order.timeoutMilliseconds,
                    template: order.template,
                    language: order.language,
                    code: Array(order.code.utf8),
                    context: order.contextData.map { Array($0.utf8) },
                    nonce: principal.signed?.nonce,
                    shadowedRate: principal.shadowedRate,
                    expiresAt: principal.claims.notAfter,
                    traceID: context.traceID
                )
            )
        } catch {
            if case .unavailable = error {} else { context.note.noteRecorded() }
            throw Problem(error, isSigned: principal.signed != nil)
        }
    }

    private func sandboxOrder(_ order: ExecutionOrder, under lease: Lease) -> SandboxOrder {
        let seconds = (lease.grant.timeoutMilliseconds + 999) / 1000 + Self.lifetimeMarginSeconds
        return SandboxOrder(
            template: order.template,
            lifetimeSeconds: Int(seconds),
            metadata: SandboxLabels.of(lease.executionID, in: ledger.installation)
        )
    }
}

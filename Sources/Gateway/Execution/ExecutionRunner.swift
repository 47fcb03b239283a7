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
    let labels: SandboxLabels
    let logger: Logger

    /// How long a sandbox outlives its execution's timeout, so that a dead gateway leaves nothing running for long.
    private static let lifetimeMarginSeconds: Int64 = 30

    /// An admitted execution: holding its sandbox, or stopped before there was one.
    enum Beginning: Sendable {
        case holding(Execution)
        case stopped(FinishedExecution)
        /// Its idempotency key stands for an earlier one.
        case repeated(Repetition)
    }

    /// Admits the order and gets its sandbox: a warm one, or one that is made when it is the tenant's turn.
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
        let lease: Lease
        switch try await admit(order, as: registration.id, for: context) {
        case .admitted(let admitted): lease = admitted
        case .repeated(let repetition): return .repeated(repetition)
        }
        let admitted = ContinuousClock.now
        var waited: Int64 { (ContinuousClock.now - admitted).wholeMilliseconds }
        func holding(_ sandbox: HeldSandbox) -> Beginning {
            .holding(
                Execution(
                    order: order, lease: lease, holding: sandbox, queuedMilliseconds: waited,
                    registration: registration, runner: self
                )
            )
        }
        let wanted = sandboxOrder(order, under: lease)
        if let warm = source.warmSandbox(wanted, for: lease.tenant) { return holding(warm) }
        switch await source.sandbox(wanted, for: lease.tenant, unless: registration.stop) {
        case .made(let sandbox, let slot):
            return holding(HeldSandbox(sandbox: sandbox, slot: slot, wasWarm: false))
        case .refused(let refusal):
            throw await notBegun(lease, waited, reason: refusal.reason, Problem(refusal))
        case .failed(let failure):
            throw await notBegun(lease, waited, reason: failure.reason, Problem(creating: failure))
        case .stopped(let reason):
            let ending = ExecutionProgress().ending(stoppedBy: reason)
            let finished = FinishedExecution(BegunExecution(lease, queuedMilliseconds: waited), ending)
            // Called off by name it stays called off; whatever else came in between, a repeated request may run.
            let remainder =
                reason == .cancelled
                ? KeptReply(finished, [], outputLimit: order.outputBytes).remainder : Remainder.nothing
            await closing.settleUnheld(lease, outcome: ending.outcome, reason: ending.reason, leaving: remainder)
            return .stopped(finished)
        }
    }

    private func notBegun(_ lease: Lease, _ waited: Int64, reason: String, _ problem: Problem) async -> Problem {
        await closing.settleUnheld(lease, outcome: .killed, reason: reason)
        var problem = problem
        problem.headers = BegunExecution(lease, queuedMilliseconds: waited).headers
        return problem
    }

    private func admit(
        _ order: ExecutionOrder, as id: ExecutionID, for context: TenantContext
    ) async throws(Problem) -> Admission {
        let principal = context.principal
        let admission = AdmissionOrder(
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
            traceID: context.trace.traceID,
            spanID: context.trace.spanID
        )
        do {
            return try await source.stages.time(.admit) { () throws(AdmissionFailure) in
                guard let key = order.idempotencyKey else { return .admitted(try await ledger.admit(admission)) }
                return try await ledger.admit(admission, under: key)
            }
        } catch {
            if case .unavailable = error {} else { context.note.noteRecorded() }
            throw Problem(error, isSigned: principal.signed != nil)
        }
    }

    func sandboxOrder(_ order: ExecutionOrder, under lease: Lease) -> SandboxOrder {
        let seconds = (lease.grant.timeoutMilliseconds + 999) / 1000 + Self.lifetimeMarginSeconds
        return SandboxOrder(
            template: order.template,
            lifetimeSeconds: Int(seconds),
            metadata: labels.of(lease.executionID)
        )
    }
}

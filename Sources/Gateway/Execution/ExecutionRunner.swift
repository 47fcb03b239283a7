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
    let maker: SandboxMaker
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

    /// Admits the order and makes its sandbox.
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
        switch await maker.make(sandboxOrder(order, under: lease), unless: registration.stop) {
        case .made(let sandbox):
            let waited = (ContinuousClock.now - admitted).wholeMilliseconds
            return .holding(
                Execution(
                    order: order, lease: lease, sandbox: sandbox, queuedMilliseconds: waited,
                    registration: registration, runner: self
                )
            )
        case .failed(let failure):
            await closing.settleUnheld(lease, outcome: .killed, reason: failure.reason)
            var problem = Problem(creating: failure)
            problem.headers = lease.headers
            throw problem
        case .stopped(let reason):
            let ending = ExecutionProgress().ending(stoppedBy: reason)
            await closing.settleUnheld(lease, outcome: ending.outcome, reason: ending.reason)
            let waited = (ContinuousClock.now - admitted).wholeMilliseconds
            return .stopped(FinishedExecution(lease: lease, ending: ending, queuedMilliseconds: waited))
        }
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
                    expiresAt: principal.claims.notAfter
                )
            )
        } catch {
            throw Problem(error)
        }
    }

    private func sandboxOrder(_ order: ExecutionOrder, under lease: Lease) -> SandboxOrder {
        let seconds = (lease.grant.timeoutMilliseconds + 999) / 1000 + Self.lifetimeMarginSeconds
        return SandboxOrder(
            template: order.template,
            lifetimeSeconds: Int(seconds),
            metadata: ["e2b-gateway": "execution", "e2b-gateway-execution": lease.executionID.text]
        )
    }
}

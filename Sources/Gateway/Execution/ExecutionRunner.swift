import Auth
import E2BUpstream
import Ledger
import Logging
import Quota

/// Takes an order through admission to a sandbox: the middle of the story that ``ExecutionRoutes`` tells.
struct ExecutionRunner: Sendable {
    let ledger: Ledger
    let upstream: E2BClient
    let closing: ExecutionClosing
    let running: RunningExecutions
    let logger: Logger

    /// How long a sandbox outlives its execution's timeout, so that a dead gateway leaves nothing running for long.
    private static let lifetimeMarginSeconds: Int64 = 30

    /// Admits the order and makes its sandbox.
    ///
    /// - Parameter departure: the signal of the caller's connection.
    /// - Throws: a ``Problem``; whatever was reserved has then been given back.
    func begin(
        _ order: ExecutionOrder, for context: TenantContext, departure: StopSignal
    ) async throws(Problem) -> Execution {
        let registration = try running.enter(
            ExecutionID.random(), tenant: context.principal.tenant, departure: departure
        )
        let lease = try await admit(order, as: registration.id, for: context)
        let sandbox = try await makeSandbox(for: order, under: lease)
        return Execution(order: order, lease: lease, sandbox: sandbox, registration: registration, runner: self)
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
                    context: order.contextData.map { Array($0.utf8) }
                )
            )
        } catch {
            throw Problem(error)
        }
    }

    /// Not interrupted when the caller leaves: a create cut short could leave a sandbox nobody knows the id of.
    private func makeSandbox(for order: ExecutionOrder, under lease: Lease) async throws(Problem) -> Sandbox {
        let seconds = (lease.grant.timeoutMilliseconds + 999) / 1000 + Self.lifetimeMarginSeconds
        let wanted = SandboxOrder(
            template: order.template,
            lifetimeSeconds: Int(seconds),
            metadata: ["e2b-gateway": "execution", "e2b-gateway-execution": lease.executionID.text]
        )
        do {
            return try await upstream.createSandbox(wanted)
        } catch {
            await closing.settleUnheld(lease, because: error)
            throw Problem(error)
        }
    }
}

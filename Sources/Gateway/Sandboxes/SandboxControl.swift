import Auth
import E2BUpstream
import Ledger
import Logging
import Quota

/// What the control plane does to tenants' own sandboxes. Whatever costs something passes admission before upstream hears
/// of it; where upstream then fails, the ledger is put back to what is true.
struct SandboxControl: Sendable {
    let ledger: Ledger
    let upstream: E2BClient
    let source: SandboxSource
    let closing: ExecutionClosing
    let live: LiveSandboxes
    let running: RunningExecutions
    let labels: SandboxLabels
    let logger: Logger
    let turns = SandboxTurns()

    init(
        ledger: Ledger, upstream: E2BClient, source: SandboxSource, closing: ExecutionClosing, live: LiveSandboxes,
        running: RunningExecutions, labels: SandboxLabels, logger: Logger
    ) {
        self.ledger = ledger
        self.upstream = upstream
        self.source = source
        self.closing = closing
        self.live = live
        self.running = running
        self.labels = labels
        self.logger = logger
    }

    /// How long a sandbox outlives its time upstream, so that it is the gateway that ends it, and a dead gateway leaves
    /// nothing running for long.
    private static let lifetimeMarginSeconds: Int64 = 5

    // MARK: Making

    /// Admits an order, waits for its turn and has the sandbox made.
    ///
    /// - Throws: a ``Problem``; whatever was reserved has then been given back.
    func create(_ order: SandboxCreation, for context: TenantContext) async throws(Problem) -> OwnedSandbox {
        guard !running.isDraining else { throw .draining }
        let caller = SandboxCaller(context)
        let handle = SandboxHandle.random()
        let idempotency = order.idempotencyKey.map { ledger.idempotency($0, for: caller, request: order.request) }
        let admitted = try await admit(order, as: handle, idempotency, for: caller, context)
        guard admitted.handle == handle else {
            try caller.requireAsWide(as: admitted)
            return admitted
        }
        let stop = StopSignal()
        let departure = CallerPresence.departure(on: context.channel).onStop { stop.stop($0) }
        defer { departure.cancel() }
        let upstreamOrder = upstreamOrder(order, for: admitted, idempotency)
        switch await source.sandbox(upstreamOrder, for: caller.tenant, unless: stop) {
        case .made(let sandbox, let slot):
            return try await begin(admitted, sandbox, slot)
        case .refused(let refusal):
            await ledger.sandboxNotMade(handle, because: refusal.reason)
            throw Problem(refusal)
        case .failed(let failure):
            let isUnknown = failure.leavesDoubt
            await ledger.sandboxNotMade(handle, because: isUnknown ? SandboxEnd.outcomeUnknown : failure.reason)
            throw Problem(creating: failure)
        case .stopped(let reason):
            await ledger.sandboxNotMade(handle, because: ExecutionProgress().ending(stoppedBy: reason).reason ?? "left")
            throw .draining
        }
    }

    private func admit(
        _ order: SandboxCreation, as handle: SandboxHandle, _ idempotency: SandboxIdempotency?,
        for caller: SandboxCaller, _ context: TenantContext
    ) async throws(Problem) -> OwnedSandbox {
        do {
            let admission = SandboxAdmissionOrder(
                handle: handle, caller: caller, template: order.template,
                timeoutMilliseconds: order.timeoutSeconds * 1000, expiry: order.expiry, metadata: order.metadata,
                idempotency: idempotency, shadowedRate: context.principal.shadowedRate)
            return try await source.stages.time(.admit) { () throws(SandboxFailure) in
                try await ledger.admit(admission)
            }
        } catch {
            throw Problem(error, noted: context.note)
        }
    }

    private func begin(
        _ admitted: OwnedSandbox, _ made: Sandbox, _ slot: UpstreamSlot
    ) async throws(Problem) -> OwnedSandbox {
        live.hold(slot, for: made.id, of: admitted.keyID, admitted.tenant)
        do {
            let sandbox = try await ledger.sandboxStarted(admitted.handle, id: made.id, access: SandboxAccess(made))
            logger.info("sandbox started", metadata: sandbox.logged)
            return sandbox
        } catch {
            _ = live.leave(made.id)
            await ledger.sandboxNotMade(admitted.handle, because: "not_recorded", id: made.id)
            closing.destroy(DoomedSandbox(id: made.id, slot: slot))
            // It was ended while it was being made, or the ledger cannot be written.
            throw Problem(error)
        }
    }

    // MARK: Changing

    /// Gives a running sandbox another end.
    func prolong(
        _ sandbox: OwnedSandbox, by seconds: Int64, isExtension: Bool, for context: TenantContext
    ) async throws(Problem) -> OwnedSandbox {
        try await turns.turn(at: sandbox.id) { () throws(Problem) in
            try await prolongInTurn(try present(sandbox), by: seconds, isExtension: isExtension, for: context)
        }
    }

    /// The same, for whoever has the turn.
    func prolongInTurn(
        _ sandbox: OwnedSandbox, by seconds: Int64, isExtension: Bool, for context: TenantContext
    ) async throws(Problem) -> OwnedSandbox {
        let caller = SandboxCaller(context)
        let changed: OwnedSandbox
        do {
            changed = try await ledger.prolong(
                sandbox.handle, by: seconds * 1000, isExtension: isExtension, for: caller)
        } catch {
            throw Problem(error, noted: context.note)
        }
        guard changed.endsAt != sandbox.endsAt else { return changed }
        do {
            try await upstream.setTimeout(upstreamSeconds(of: changed), of: sandbox.id)
            return changed
        } catch {
            try await lost(changed, error)
            // Upstream keeps the end it had, and so does the ledger.
            let former = max(1, (sandbox.endsAt - ledger.now).wholeMilliseconds)
            _ = try? await ledger.prolong(sandbox.handle, by: former, isExtension: false, for: caller)
            throw Problem(living: error)
        }
    }

    /// The sandbox as it stands now: somebody else may have had a turn since it was looked at.
    func present(_ sandbox: OwnedSandbox) throws(Problem) -> OwnedSandbox {
        guard let sandbox = ledger.sandbox(sandbox.handle) else { throw .noSandbox(sandbox.id) }
        return sandbox
    }

    // MARK: Ending

    /// Ends a sandbox's life. Its destruction is tried until it succeeds.
    func kill(_ sandbox: OwnedSandbox, for context: TenantContext) async throws(Problem) {
        do {
            try await ledger.endSandbox(sandbox.handle, for: SandboxCaller(context), because: SandboxEnd.killed)
        } catch {
            throw Problem(error)
        }
        destroy(sandbox)
    }

    /// Has a sandbox destroyed that is over as far as the ledger is concerned.
    func destroy(_ sandbox: OwnedSandbox) {
        let slot = live.leave(sandbox.id) ?? source.slots.slotOfLeftover()
        closing.destroy(DoomedSandbox(id: sandbox.id, slot: slot))
    }

    /// Ends the life of a sandbox that upstream does not have any more, and says so.
    func lost(_ sandbox: OwnedSandbox, _ failure: UpstreamFailure) async throws(Problem) {
        guard failure == .sandboxGone else { return }
        logger.notice("sandbox is gone upstream", metadata: sandbox.logged)
        _ = try? await ledger.endSandbox(sandbox.handle, for: nil, because: SandboxEnd.gone)
        destroy(sandbox)
        throw .noSandbox(sandbox.id)
    }

    /// What upstream is told of a sandbox's time, in seconds.
    func upstreamSeconds(of sandbox: OwnedSandbox) -> Int {
        let rest = max(0, (sandbox.endsAt - ledger.now).wholeMilliseconds)
        return Int(min((rest + 999) / 1000 + Self.lifetimeMarginSeconds, SandboxBody.longestSeconds))
    }

    /// An order's own: one that repeats an order which came to nothing must not be answered with that one's answer.
    private static func upstreamKey(_ idempotency: SandboxIdempotency, of sandbox: OwnedSandbox) -> String {
        idempotency.key + String(sandbox.handle.text.filter { $0 != "_" })
    }

    /// What upstream is told: none of the caller's labels, and a time that outlives the lease by little.
    private func upstreamOrder(
        _ order: SandboxCreation, for sandbox: OwnedSandbox, _ idempotency: SandboxIdempotency?
    ) -> SandboxOrder {
        SandboxOrder(
            template: order.template, lifetimeSeconds: upstreamSeconds(of: sandbox),
            metadata: labels.of(sandbox), idempotencyKey: idempotency.map { Self.upstreamKey($0, of: sandbox) },
            environment: order.environment,
            egress: order.egress, pausesAtEnd: order.expiry == .pause)
    }
}

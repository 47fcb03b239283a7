import E2BUpstream
import Quota

/// Where sandboxes come from: the warm pool, or a slot among upstream's, as soon as it is the tenant's turn, and a create in
/// it.
struct SandboxSource: Sendable {
    let upstream: E2BClient
    let slots: UpstreamSlots
    let maker: SandboxMaker
    let pool: WarmPool
    let stages: StageClock

    enum Answer: Sendable {
        case made(Sandbox, UpstreamSlot)
        case refused(CapacityRefusal)
        case failed(UpstreamFailure)
        case stopped(StopReason)
    }

    /// A sandbox that was made before for whoever comes; nil where one has to be made.
    func warmSandbox(_ order: SandboxOrder, for tenant: String) -> HeldSandbox? {
        pool.take(order, for: tenant).map { HeldSandbox(sandbox: $0, slot: $1, wasWarm: true) }
    }

    /// A new sandbox, unless `stop` is thrown before; whatever is made after that is taken care of.
    func sandbox(_ order: SandboxOrder, for tenant: String, unless stop: StopSignal) async -> Answer {
        // Nobody waits in line for an upstream that is left alone.
        do throws(UpstreamFailure) { try upstream.circuit.check() } catch { return .failed(error) }
        switch await stages.time(.queue, { await slots.slot(for: tenant, unless: stop) }) {
        case .refused(let refusal): return .refused(refusal)
        case .stopped(let reason): return .stopped(reason)
        case .held(let slot):
            switch await stages.time(.create, { await maker.make(order, in: slot, unless: stop) }) {
            case .made(let sandbox): return .made(sandbox, slot)
            case .failed(let failure): return .failed(failure)
            case .stopped(let reason): return .stopped(reason)
            }
        }
    }
}

/// A sandbox that an execution holds, in its slot.
struct HeldSandbox: Sendable {
    let sandbox: Sandbox
    let slot: UpstreamSlot
    /// It has waited in the warm pool.
    let wasWarm: Bool

    var doomed: DoomedSandbox { DoomedSandbox(id: sandbox.id, slot: slot) }
}

import E2BUpstream
import Quota

/// Where sandboxes come from: a slot among upstream's, as soon as it is the tenant's turn, and a create in it.
struct SandboxSource: Sendable {
    let upstream: E2BClient
    let slots: UpstreamSlots
    let maker: SandboxMaker

    enum Answer: Sendable {
        case made(Sandbox, UpstreamSlot)
        case refused(CapacityRefusal)
        case failed(UpstreamFailure)
        case stopped(StopReason)
    }

    /// A sandbox, unless `stop` is thrown before; whatever is made after that is taken care of.
    func sandbox(_ order: SandboxOrder, for tenant: String, unless stop: StopSignal) async -> Answer {
        // Nobody waits in line for an upstream that is left alone.
        do { try upstream.circuit.check() } catch { return .failed(error) }
        switch await slots.slot(for: tenant, unless: stop) {
        case .refused(let refusal): return .refused(refusal)
        case .stopped(let reason): return .stopped(reason)
        case .held(let slot):
            switch await maker.make(order, in: slot, unless: stop) {
            case .made(let sandbox): return .made(sandbox, slot)
            case .failed(let failure): return .failed(failure)
            case .stopped(let reason): return .stopped(reason)
            }
        }
    }
}

import Auth
import Ledger
import Synchronization

/// The tenants' own sandboxes that this process serves: the slot that each holds upstream if it was made here, and the calls
/// that are open to it, which end when it does.
final class LiveSandboxes: Sendable {
    /// How many calls may be open to one sandbox at once.
    static let maximumCalls = 256

    private struct Entry {
        let keyID: KeyID
        let tenant: String
        var slot: UpstreamSlot?
        var calls: [Int: StopSignal] = [:]

        /// Whether there is nothing to be known of it: another gateway's, without a call.
        var isIdle: Bool { slot == nil && calls.isEmpty }
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var nextCall = 0
        var isDraining = false
    }

    private let state = Mutex(State())

    /// How many calls are open.
    var count: Int { state.withLock { $0.entries.values.reduce(0) { $0 + $1.calls.count } } }

    /// A sandbox is there, or about to be, and holds a slot until it is gone. Said before the ledger says that it runs, so
    /// that whoever ends it finds it here.
    func hold(_ slot: UpstreamSlot, for sandboxID: String, of keyID: KeyID, _ tenant: String) {
        state.withLock { $0.entries[sandboxID, default: Entry(keyID: keyID, tenant: tenant)].slot = slot }
    }

    /// A sandbox is over, or sleeps: its calls are cut.
    ///
    /// - Returns: its slot, which is the caller's to release; nil if it held none.
    func leave(_ sandboxID: String, because reason: StopReason = .cancelled) -> UpstreamSlot? {
        let entry = state.withLock { $0.entries.removeValue(forKey: sandboxID) }
        for stop in entry?.calls.values.map(\.self) ?? [] { stop.stop(reason) }
        return entry?.slot
    }

    /// This gateway goes on under another number: what stands under its former one is counted by the ledger, and holds no slots
    /// here.
    func countedElsewhere() {
        let slots = state.withLock { state in
            let slots = state.entries.values.compactMap(\.slot)
            for id in state.entries.keys { state.entries[id]?.slot = nil }
            state.entries = state.entries.filter { !$0.value.isIdle }
            return slots
        }
        for slot in slots { slot.release() }
    }

    /// Why no call is opened.
    enum Refusal: Error {
        /// The gateway shuts down.
        case draining
        /// The sandbox is not there any more.
        case gone
        /// As many calls are open to it as may be.
        case full
    }

    /// Opens a call to a sandbox, whichever gateway made it.
    ///
    /// - Parameter isRunning: whether it runs. Asked once the call can be found here, so that whoever ends the sandbox either
    ///   says so before, or cuts the call.
    func enter(_ sandbox: OwnedSandbox, isRunning: () -> Bool) throws(Refusal) -> Call {
        let call = try state.withLock { state throws(Refusal) in
            guard !state.isDraining else { throw .draining }
            let entry = state.entries[sandbox.id] ?? Entry(keyID: sandbox.keyID, tenant: sandbox.tenant)
            guard entry.calls.count < Self.maximumCalls else { throw .full }
            state.nextCall += 1
            let stop = StopSignal()
            state.entries[sandbox.id, default: entry].calls[state.nextCall] = stop
            return Call(sandboxID: sandbox.id, number: state.nextCall, stop: stop, live: self)
        }
        guard isRunning() else { throw .gone }
        return call
    }

    /// Cuts the calls to what a key made, when it is revoked.
    func stopAll(of keyID: KeyID) {
        let signals = state.withLock { state in
            state.entries.values.filter { $0.keyID == keyID }.flatMap { Array($0.calls.values) }
        }
        for signal in signals { signal.stop(.keyRevoked) }
    }

    /// Cuts the calls to a tenant's sandboxes, when it is shut out.
    func stopAll(ofTenant tenant: String) {
        let signals = state.withLock { state in
            state.entries.values.filter { $0.tenant == tenant }.flatMap { Array($0.calls.values) }
        }
        for signal in signals { signal.stop(.cancelled) }
    }

    /// From now on no call is opened.
    func drain() { state.withLock { $0.isDraining = true } }

    func stopAll(_ reason: StopReason) {
        let signals = state.withLock { $0.entries.values.flatMap { Array($0.calls.values) } }
        for signal in signals { signal.stop(reason) }
    }

    /// An open call; closed when dropped.
    final class Call: Sendable {
        /// Thrown when the call must end.
        let stop: StopSignal
        private let sandboxID: String
        private let number: Int
        private let live: LiveSandboxes

        fileprivate init(sandboxID: String, number: Int, stop: StopSignal, live: LiveSandboxes) {
            self.sandboxID = sandboxID
            self.number = number
            self.stop = stop
            self.live = live
        }

        func leave() {
            live.state.withLock { state in
                state.entries[sandboxID]?.calls[number] = nil
                if state.entries[sandboxID]?.isIdle == true { state.entries[sandboxID] = nil }
            }
        }

        deinit { leave() }
    }
}

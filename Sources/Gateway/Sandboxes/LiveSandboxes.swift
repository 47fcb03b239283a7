import Auth
import Ledger
import Synchronization

/// The tenants' own sandboxes that this process serves: the slot that each holds upstream, and the calls that are open to
/// it, which end when it does.
final class LiveSandboxes: Sendable {
    /// How many calls may be open to one sandbox at once.
    static let maximumCalls = 256

    private struct Entry {
        let keyID: KeyID
        let tenant: String
        var slot: UpstreamSlot?
        var calls: [Int: StopSignal] = [:]
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

    /// Why no call is opened.
    enum Refusal: Error {
        /// The gateway shuts down.
        case draining
        /// The sandbox is not there any more.
        case gone
        /// As many calls are open to it as may be.
        case full
    }

    /// Opens a call to a sandbox.
    func enter(_ sandboxID: String) throws(Refusal) -> Call {
        try state.withLock { state throws(Refusal) in
            guard !state.isDraining else { throw .draining }
            guard let entry = state.entries[sandboxID] else { throw .gone }
            guard entry.calls.count < Self.maximumCalls else { throw .full }
            state.nextCall += 1
            let stop = StopSignal()
            state.entries[sandboxID]?.calls[state.nextCall] = stop
            return Call(sandboxID: sandboxID, number: state.nextCall, stop: stop, live: self)
        }
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
            _ = live.state.withLock { $0.entries[sandboxID]?.calls.removeValue(forKey: number) }
        }

        deinit { leave() }
    }
}

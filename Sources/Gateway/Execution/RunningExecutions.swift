import Auth
import Ledger
import Synchronization

/// The executions that this process is running, so that they can be stopped by id, or all at shutdown.
final class RunningExecutions: Sendable {
    private struct Entry: Sendable {
        let tenant: String
        let keyID: KeyID
        let stop: StopSignal
        var sandboxID: String?
    }

    private struct State {
        var entries: [ExecutionID: Entry] = [:]
        var isLeaving = false
        var isDraining = false
    }

    private let state = Mutex(State())

    var count: Int { state.withLock(\.entries.count) }
    var isDraining: Bool { state.withLock(\.isDraining) }

    /// The sandbox that each holds.
    var holding: [ExecutionID: String] { state.withLock { $0.entries.compactMapValues(\.sandboxID) } }

    /// Whether whoever chooses a gateway should choose another one.
    var isLeaving: Bool { state.withLock { $0.isLeaving || $0.isDraining } }

    /// Executions are taken in yet, and will not be for long.
    func announceDrain() { state.withLock { $0.isLeaving = true } }

    /// From now on no execution is taken in.
    func drain() { state.withLock { $0.isDraining = true } }

    /// Takes an execution in and ties its stop signal to the caller's departure.
    func enter(_ id: ExecutionID, tenant: String, keyID: KeyID, departure: StopSignal) throws(Problem) -> Registration {
        let stop = StopSignal()
        let entered = state.withLock { state in
            guard !state.isDraining else { return false }
            state.entries[id] = Entry(tenant: tenant, keyID: keyID, stop: stop)
            return true
        }
        guard entered else { throw .draining }
        return Registration(id: id, stop: stop, departure: departure.onStop { stop.stop($0) }, running: self)
    }

    /// Returns false if no such execution of this tenant is running here.
    func stop(_ id: ExecutionID, of tenant: String) -> Bool {
        guard let entry = state.withLock({ $0.entries[id] }), entry.tenant == tenant else { return false }
        entry.stop.stop(.cancelled)
        return true
    }

    /// Ends one, if it runs here.
    func stop(_ id: ExecutionID, because reason: StopReason) {
        state.withLock { $0.entries[id] }?.stop.stop(reason)
    }

    /// Ends what a key started, when it is revoked.
    func stopAll(of keyID: KeyID) {
        for entry in state.withLock({ Array($0.entries.values) }) where entry.keyID == keyID {
            entry.stop.stop(.keyRevoked)
        }
    }

    /// Ends one whose sandbox is gone upstream.
    func sandboxLost(of id: ExecutionID) {
        state.withLock { $0.entries[id] }?.stop.stop(.sandboxLost)
    }

    func stopAll(_ reason: StopReason) {
        for entry in state.withLock({ Array($0.entries.values) }) { entry.stop.stop(reason) }
    }

    /// An execution's place among the running; given up when dropped.
    final class Registration: Sendable {
        let id: ExecutionID
        let stop: StopSignal
        private let departure: StopSignal.Subscription
        private let running: RunningExecutions

        fileprivate init(
            id: ExecutionID, stop: StopSignal, departure: StopSignal.Subscription, running: RunningExecutions
        ) {
            self.id = id
            self.stop = stop
            self.departure = departure
            self.running = running
        }

        /// It holds this sandbox from now on.
        func hold(_ sandboxID: String) {
            running.state.withLock { $0.entries[id]?.sandboxID = sandboxID }
        }

        func leave() {
            departure.cancel()
            _ = running.state.withLock { $0.entries.removeValue(forKey: id) }
        }

        deinit { leave() }
    }
}

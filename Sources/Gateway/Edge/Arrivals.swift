import Synchronization

/// Waits until every listener is bound, then says so once, with their ports.
final class Arrivals: Sendable {
    private struct State {
        var missing: Set<Listener.Door>
        var ports: [Listener.Door: Int] = [:]
    }

    private let state: Mutex<State>
    private let complete: @Sendable ([Listener.Door: Int]) async -> Void

    init(expected: Set<Listener.Door>, complete: @escaping @Sendable ([Listener.Door: Int]) async -> Void) {
        state = Mutex(State(missing: expected))
        self.complete = complete
    }

    func arrived(_ door: Listener.Door, port: Int?) async {
        let ports = state.withLock { state -> [Listener.Door: Int]? in
            guard state.missing.remove(door) != nil else { return nil }
            state.ports[door] = port
            return state.missing.isEmpty ? state.ports : nil
        }
        if let ports { await complete(ports) }
    }
}

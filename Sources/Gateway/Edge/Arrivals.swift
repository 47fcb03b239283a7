import Synchronization

/// Waits until every listener is bound, then says so once, with their ports.
final class Arrivals: Sendable {
    private struct State {
        var missing: Set<Listener.Role>
        var ports: [Listener.Role: Int] = [:]
    }

    private let state: Mutex<State>
    private let complete: @Sendable ([Listener.Role: Int]) async -> Void

    init(expected: Set<Listener.Role>, complete: @escaping @Sendable ([Listener.Role: Int]) async -> Void) {
        state = Mutex(State(missing: expected))
        self.complete = complete
    }

    func arrived(_ role: Listener.Role, port: Int?) async {
        let ports = state.withLock { state -> [Listener.Role: Int]? in
            guard state.missing.remove(role) != nil else { return nil }
            state.ports[role] = port
            return state.missing.isEmpty ? state.ports : nil
        }
        if let ports { await complete(ports) }
    }
}

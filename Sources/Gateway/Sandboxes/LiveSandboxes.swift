import Auth
import Synchronization

/// The calls to sandboxes that are open in this process, so that they can be cut.
final class LiveSandboxes: Sendable {
    static let maximumCalls = 256

    private struct Entry: Sendable {
        let sandboxID: String
        let keyID: KeyID
        let stop: StopSignal
    }

    private struct State {
        var calls: [Int: Entry] = [:]
        var perSandbox: [String: Int] = [:]
        var last = 0
        var isDraining = false
    }

    private let state = Mutex(State())

    var isDraining: Bool { state.withLock(\.isDraining) }

    func drain() { state.withLock { $0.isDraining = true } }

    func enter(_ sandboxID: String, keyID: KeyID) -> Call? {
        let stop = StopSignal()
        let number = state.withLock { state -> Int? in
            guard !state.isDraining, state.perSandbox[sandboxID, default: 0] < Self.maximumCalls else { return nil }
            state.last += 1
            state.calls[state.last] = Entry(sandboxID: sandboxID, keyID: keyID, stop: stop)
            state.perSandbox[sandboxID, default: 0] += 1
            return state.last
        }
        return number.map { Call($0, stop, self) }
    }

    final class Call: Sendable {
        let stop: StopSignal
        private let number: Int
        private let live: LiveSandboxes

        fileprivate init(_ number: Int, _ stop: StopSignal, _ live: LiveSandboxes) {
            self.number = number
            self.stop = stop
            self.live = live
        }

        func leave() {
            live.state.withLock { state in
                guard let entry = state.calls.removeValue(forKey: number) else { return }
                state.perSandbox[entry.sandboxID, default: 1] -= 1
                if state.perSandbox[entry.sandboxID] == 0 { state.perSandbox[entry.sandboxID] = nil }
            }
        }

        deinit { leave() }
    }
}

import Dispatch
import Synchronization

/// A wish from another thread that what a connection does be stopped.
final class Interruption: Sendable {
    private struct State {
        var isWanted = false
        var isOver = false
        var cancellation: LibpqCancellation?
    }

    /// How long until the server is asked again: it may have been between two statements.
    private static let pause = DispatchTimeInterval.milliseconds(100)

    private let state = Mutex(State())

    var isWanted: Bool { state.withLock { $0.isWanted } }

    /// Stops the statement that is under way, and has the connection begin no other.
    func stop() {
        state.withLock { $0.isWanted = true }
        press(on: Self.newQueue())
    }

    /// Names the connection that is at work.
    func begins(with cancellation: LibpqCancellation?) {
        let isWanted = state.withLock { state in
            state.cancellation = cancellation
            state.isOver = false
            return state.isWanted
        }
        if isWanted { press(on: Self.newQueue()) }
    }

    /// Nothing is left to be stopped.
    func ends() {
        state.withLock { state in
            state.isOver = true
            state.cancellation = nil
        }
    }

    /// A serial one, which has a thread however many wait.
    private static func newQueue() -> DispatchQueue { DispatchQueue(label: "ledger interruption") }

    private func press(on queue: DispatchQueue) {
        queue.async { [self] in
            guard let cancellation = state.withLock({ $0.isOver ? nil : $0.cancellation }) else { return }
            cancellation.cancel()
            queue.asyncAfter(deadline: .now() + Self.pause) { [self] in press(on: queue) }
        }
    }
}

import Ledger
import Synchronization

/// Why an execution is ended from outside.
enum StopReason: Sendable, Equatable {
    /// The caller closed its connection.
    case callerLeft
    /// `DELETE /v1/executions/{id}`.
    case cancelled
    /// The granted timeout is over.
    case deadline
    /// The key that started it was revoked.
    case keyRevoked
    /// An administrator ended it.
    case ended(EndedByAdministrator)
    /// Its sandbox is gone upstream.
    case sandboxLost
    /// The ledger cannot be reached, and other gateways are about to take over what runs here.
    case ledgerLost
    /// The gateway shuts down and its patience is over.
    case shutdown
}

/// A one-way switch that can be thrown from anywhere, synchronously; the first reason stands.
final class StopSignal: Sendable {
    private struct State {
        var reason: StopReason?
        var listeners: [Int: @Sendable (StopReason) -> Void] = [:]
        var nextListener = 0
    }

    private let state = Mutex(State())

    var reason: StopReason? { state.withLock(\.reason) }

    func stop(_ reason: StopReason) {
        let listeners = state.withLock { state -> [@Sendable (StopReason) -> Void] in
            guard state.reason == nil else { return [] }
            state.reason = reason
            defer { state.listeners = [:] }
            return Array(state.listeners.values)
        }
        for listener in listeners { listener(reason) }
    }

    /// Calls `listener` once, at once if the switch is already thrown. Keep the subscription as long as it matters.
    func onStop(_ listener: @escaping @Sendable (StopReason) -> Void) -> Subscription {
        let (reason, number) = state.withLock { state -> (StopReason?, Int) in
            if let reason = state.reason { return (reason, -1) }
            state.nextListener += 1
            state.listeners[state.nextListener] = listener
            return (nil, state.nextListener)
        }
        if let reason { listener(reason) }
        return Subscription(signal: self, number: number)
    }

    /// Returns when the switch is thrown or the task is cancelled.
    func wait() async {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        let subscription = onStop { _ in continuation.finish() }
        for await _ in stream {}
        subscription.cancel()
    }

    /// Ends with `cancel()`: a connection's signal outlives the executions it carries.
    struct Subscription: Sendable {
        fileprivate let signal: StopSignal
        fileprivate let number: Int

        func cancel() {
            _ = signal.state.withLock { $0.listeners.removeValue(forKey: number) }
        }
    }
}

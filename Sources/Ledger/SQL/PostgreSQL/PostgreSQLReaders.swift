import Dispatch
import Synchronization

/// Connections for queries beside the writer: a few, lent to one query at a time.
final class PostgreSQLReaders: Sendable {
    private struct State {
        var idle: [PostgreSQLLink]
        var waiting: [(number: Int, continuation: CheckedContinuation<PostgreSQLLink, any Error>)] = []
        var queries = 0
        var isClosed = false
    }

    static let standardCount = 4
    /// How long a query waits for those before it.
    private static let patience = DispatchTimeInterval.seconds(10)

    /// For what is quick: queries wait on the queues of their connections.
    private let queue = DispatchQueue(label: "ledger readers")
    private let state: Mutex<State>

    init(_ server: PostgreSQLServerState, _ timeouts: PostgreSQLTimeouts, count: Int = standardCount) {
        state = Mutex(
            State(idle: (0..<count).map { _ in PostgreSQLLink(to: server, timeouts, label: "ledger reader") }))
    }

    /// Runs a query on one of them. A task that is cancelled has its query stopped.
    func read<Value: Sendable>(
        _ query: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        let link = try await borrow()
        let interruption = Interruption()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                link.queue.async { [self] in
                    let result = Result { try link.snapshot(until: interruption, query) }
                    giveBack(link)
                    continuation.resume(with: interruption.isWanted ? result.orCancelled : result)
                }
            }
        } onCancel: {
            interruption.stop()
        }
    }

    /// Begins no more queries and ends the connections: those at work when they are done.
    func close() {
        let (idle, waiting) = state.withLock { state in
            defer { (state.idle, state.waiting, state.isClosed) = ([], [], true) }
            return (state.idle, state.waiting)
        }
        for link in idle { link.disconnect() }
        for caller in waiting { caller.continuation.resume(throwing: Self.closed) }
    }

    private static let closed = SQLFailure.disconnected("the ledger is closed")

    private func borrow() async throws -> PostgreSQLLink {
        let number = state.withLock { state in
            state.queries += 1
            return state.queries
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let answer: Result<PostgreSQLLink, any Error>? = state.withLock { state in
                    // Whoever is cancelled from here on is found among those who wait.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.isClosed { return .failure(Self.closed) }
                    if let link = state.idle.popLast() { return .success(link) }
                    state.waiting.append((number, continuation))
                    return nil
                }
                if let answer { return continuation.resume(with: answer) }
                queue.asyncAfter(deadline: .now() + Self.patience) { [weak self] in
                    self?.refuse(number, SQLFailure.disconnected("all connections are busy"))
                }
            }
        } onCancel: {
            refuse(number, CancellationError())
        }
    }

    private func refuse(_ number: Int, _ error: any Error) {
        let continuation = state.withLock { state in
            state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0).continuation }
        }
        continuation?.resume(throwing: error)
    }

    private func giveBack(_ link: PostgreSQLLink) {
        let (next, isClosed) = state.withLock { state in
            let next = state.waiting.isEmpty ? nil : state.waiting.removeFirst().continuation
            if next == nil && !state.isClosed { state.idle.append(link) }
            return (next, state.isClosed)
        }
        if isClosed { link.disconnect() }
        next?.resume(returning: link)
    }
}

extension Result {
    /// Whatever failed, failed because it was stopped.
    fileprivate var orCancelled: Result<Success, any Error> {
        if case .success(let value) = self { .success(value) } else { .failure(CancellationError()) }
    }
}

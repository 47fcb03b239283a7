import Synchronization

/// Things several tasks note down, and a test waits for.
public final class Recording<Element: Sendable>: Sendable {
    private struct Waiter {
        let number: Int
        let count: Int
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var elements: [Element] = []
        var waiters: [Waiter] = []
        var cancelled: Set<Int> = []
        var nextNumber = 0
    }

    private let state = Mutex(State())

    /// An empty recording.
    public init() {}

    /// What was noted so far.
    public var elements: [Element] { state.withLock { $0.elements } }

    /// Notes one thing.
    public func note(_ element: Element) {
        let due = state.withLock { state -> [Waiter] in
            state.elements.append(element)
            let count = state.elements.count
            defer { state.waiters.removeAll { $0.count <= count } }
            return state.waiters.filter { $0.count <= count }
        }
        for waiter in due { waiter.continuation.resume() }
    }

    /// Waits until at least so many things are noted, and returns them all. The test's time limit is the only bound:
    /// it cancels the task, and the wait returns with what there is.
    @discardableResult
    public func wait(for count: Int) async -> [Element] {
        let number = state.withLock { state in
            defer { state.nextNumber += 1 }
            return state.nextNumber
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.elements.count >= count || state.cancelled.contains(number) { return true }
                    state.waiters.append(Waiter(number: number, count: count, continuation: continuation))
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let waiting = state.withLock { state -> Waiter? in
                state.cancelled.insert(number)
                guard let index = state.waiters.firstIndex(where: { $0.number == number }) else { return nil }
                return state.waiters.remove(at: index)
            }
            waiting?.continuation.resume()
        }
        return elements
    }
}

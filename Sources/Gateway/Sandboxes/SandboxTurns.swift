import Synchronization

/// One thing at a time is done to a sandbox by its control plane: what is to be done next waits for its turn, and then looks
/// anew at how the sandbox stands. Between upstream and ledger nobody else comes in.
final class SandboxTurns: Sendable {
    /// Who waits for each sandbox that somebody is at.
    private let lines = Mutex([String: [CheckedContinuation<Void, Never>]]())

    /// How many sandboxes somebody is at.
    var count: Int { lines.withLock(\.count) }

    /// Does something to a sandbox when it is its turn.
    func turn<Value, Failure: Error>(
        at sandboxID: String, _ work: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        await take(sandboxID)
        defer { give(sandboxID) }
        return try await work()
    }

    private func take(_ sandboxID: String) async {
        await withCheckedContinuation { continuation in
            let isFirst = lines.withLock { lines in
                guard lines[sandboxID] == nil else {
                    lines[sandboxID]?.append(continuation)
                    return false
                }
                lines[sandboxID] = []
                return true
            }
            if isFirst { continuation.resume() }
        }
    }

    private func give(_ sandboxID: String) {
        let next = lines.withLock { lines -> CheckedContinuation<Void, Never>? in
            guard lines[sandboxID]?.isEmpty == false else {
                lines[sandboxID] = nil
                return nil
            }
            return lines[sandboxID]?.removeFirst()
        }
        next?.resume()
    }
}

import Synchronization

/// What somebody here was told they were admitted to. What stands in the ledger under this gateway's epoch beside it nobody knows
/// of: the answer to the commit of its admission was lost, and could not be found out.
final class ClaimedLeases: Sendable {
    private let names = Mutex<Set<String>>([])

    func add(_ execution: ExecutionID) { names.withLock { _ = $0.insert(execution.text) } }
    func add(_ sandbox: SandboxHandle) { names.withLock { _ = $0.insert(sandbox.text) } }
    func drop(_ execution: ExecutionID) { names.withLock { _ = $0.remove(execution.text) } }
    func drop(_ sandbox: SandboxHandle) { names.withLock { _ = $0.remove(sandbox.text) } }

    /// Those of these that nobody claims.
    func unclaimed(among candidates: [String]) -> [String] {
        names.withLock { names in candidates.filter { !names.contains($0) } }
    }
}

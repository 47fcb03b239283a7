import Synchronization

/// Which sandboxes running executions hold, as told so far: the settlement dooms them even if the disk never heard of
/// them.
final class HeldSandboxes: Sendable {
    private let sandboxes = Mutex<[ExecutionID: [String]]>([:])

    func add(_ sandbox: String, to execution: ExecutionID) {
        sandboxes.withLock { $0[execution, default: []].append(sandbox) }
    }

    func of(_ execution: ExecutionID) -> [String] {
        sandboxes.withLock { $0[execution] ?? [] }
    }

    func forget(_ execution: ExecutionID) {
        sandboxes.withLock { $0[execution] = nil }
    }
}

/// The sandboxes of tenants' own that have not ended, by either name.
struct SandboxBook: Sendable {
    private(set) var all: [SandboxHandle: OwnedSandbox] = [:]
    private var handles: [String: SandboxHandle] = [:]

    subscript(handle: SandboxHandle) -> OwnedSandbox? { all[handle] }

    /// The sandbox with upstream's id.
    subscript(id: String) -> OwnedSandbox? { handles[id].flatMap { all[$0] } }

    mutating func set(_ sandbox: OwnedSandbox) {
        if sandbox.state == .ended {
            all[sandbox.handle] = nil
            handles[sandbox.id] = nil
            return
        }
        all[sandbox.handle] = sandbox
        if !sandbox.id.isEmpty { handles[sandbox.id] = sandbox.handle }
    }

    /// All of a tenant's.
    mutating func replace(_ tenant: String, _ sandboxes: [OwnedSandbox]) {
        for former in all.values where former.tenant == tenant {
            all[former.handle] = nil
            handles[former.id] = nil
        }
        for sandbox in sandboxes { set(sandbox) }
    }

    func paused(of tenant: String) -> Set<SandboxHandle> {
        Set(all.values.lazy.filter { $0.state == .paused && $0.tenant == tenant }.map(\.handle))
    }
}

/// The sandboxes of tenants' own that have not ended, by either name.
struct SandboxBook: Sendable {
    private(set) var all: [SandboxHandle: OwnedSandbox] = [:]
    private var handles: [String: SandboxHandle] = [:]
    private var tenants: [String: Set<SandboxHandle>] = [:]

    subscript(handle: SandboxHandle) -> OwnedSandbox? { all[handle] }

    /// The sandbox with upstream's id.
    subscript(id: String) -> OwnedSandbox? { handles[id].flatMap { all[$0] } }

    mutating func set(_ sandbox: OwnedSandbox) {
        guard sandbox.state != .ended else { return remove(sandbox) }
        all[sandbox.handle] = sandbox
        tenants[sandbox.tenant, default: []].insert(sandbox.handle)
        if !sandbox.id.isEmpty { handles[sandbox.id] = sandbox.handle }
    }

    private mutating func remove(_ sandbox: OwnedSandbox) {
        all[sandbox.handle] = nil
        handles[sandbox.id] = nil
        tenants[sandbox.tenant]?.remove(sandbox.handle)
        if tenants[sandbox.tenant]?.isEmpty == true { tenants[sandbox.tenant] = nil }
    }

    /// All of a tenant's.
    ///
    /// - Returns: the ids upstream of those that ran, and do not run any more.
    mutating func replace(_ tenant: String, _ sandboxes: [OwnedSandbox]) -> [String] {
        let former = (tenants[tenant] ?? []).compactMap { all[$0] }
        for sandbox in former { remove(sandbox) }
        for sandbox in sandboxes { set(sandbox) }
        return former.filter { $0.state == .running && all[$0.handle]?.state != .running }.map(\.id)
    }

    func paused(of tenant: String) -> Set<SandboxHandle> {
        (tenants[tenant] ?? []).filter { all[$0]?.state == .paused }
    }
}

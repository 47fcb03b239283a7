/// What administrators do with the keys for upstream. Two ways lead there: straight to the ledger, or through a running
/// gateway.
public protocol UpstreamKeyAdministration: Sendable {
    /// Those keys that fit, the oldest first.
    func upstreamKeys(_ filter: UpstreamKeyFilter) async throws -> [UpstreamKeyView]
    /// Adds a key that upstream takes.
    func addUpstreamKey(_ key: NewUpstreamKey) async throws -> UpstreamKeyView
    /// Asks upstream whether it takes a key.
    func probeUpstreamKey(_ id: String) async throws -> UpstreamKeyView
    /// Makes new sandboxes with this key from now on.
    func activateUpstreamKey(_ id: String) async throws -> UpstreamKeyView
    /// Makes no sandboxes with this key any more.
    func retireUpstreamKey(_ id: String) async throws -> UpstreamKeyView
    /// Forgets a key that is retired.
    ///
    /// - Parameter force: also where sandboxes may be left that no other key reaches.
    func removeUpstreamKey(_ id: String, force: Bool) async throws -> UpstreamKeyView
}

extension UpstreamKeyAdministration {
    /// All keys, the oldest first.
    public func upstreamKeys() async throws -> [UpstreamKeyView] { try await upstreamKeys(UpstreamKeyFilter()) }
}

extension RemoteAdministration: UpstreamKeyAdministration {
    /// Those keys that fit, the oldest first.
    public func upstreamKeys(_ filter: UpstreamKeyFilter) async throws -> [UpstreamKeyView] {
        try await list(.listUpstreamKeys, query: filter.query)
    }

    /// Adds a key that upstream takes.
    public func addUpstreamKey(_ key: NewUpstreamKey) async throws -> UpstreamKeyView {
        try await call(.addUpstreamKey, body: key)
    }

    /// Asks upstream whether it takes a key.
    public func probeUpstreamKey(_ id: String) async throws -> UpstreamKeyView {
        try await call(.probeUpstreamKey, ["upstream_key_id": id])
    }

    /// Makes new sandboxes with this key from now on.
    public func activateUpstreamKey(_ id: String) async throws -> UpstreamKeyView {
        try await call(.activateUpstreamKey, ["upstream_key_id": id])
    }

    /// Makes no sandboxes with this key any more.
    public func retireUpstreamKey(_ id: String) async throws -> UpstreamKeyView {
        try await call(.retireUpstreamKey, ["upstream_key_id": id])
    }

    /// Forgets a key that is retired.
    public func removeUpstreamKey(_ id: String, force: Bool) async throws -> UpstreamKeyView {
        try await call(.removeUpstreamKey, ["upstream_key_id": id], query: ["force": force ? "true" : nil])
    }
}

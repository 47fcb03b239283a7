extension RemoteAdministration {
    /// Calls a tenant something else, shuts it out, or lets it in again.
    public func changeTenant(_ name: String, _ order: TenantChangeOrder) async throws -> TenantView {
        try await call(.changeTenant, ["tenant": name], body: order)
    }

    /// Deletes a tenant, for good, and returns it as it was last.
    public func deleteTenant(_ name: String) async throws -> TenantView {
        try await call(.deleteTenant, ["tenant": name])
    }

    /// Refuses a tenant's key until it is resumed.
    public func suspendKey(_ id: String, _ order: SuspensionOrder) async throws -> KeyView {
        try await call(.suspendKey, ["key_id": id], body: order)
    }

    /// Lets a suspended key open the door again.
    public func resumeKey(_ id: String) async throws -> KeyView { try await call(.resumeKey, ["key_id": id]) }

    /// Whether all new work is paused.
    public func pause() async throws -> PauseView { try await call(.getPause) }

    /// Lets nothing new begin, for any tenant and on any gateway.
    public func pauseWork(_ order: SuspensionOrder) async throws -> PauseView {
        try await call(.pauseWork, body: order)
    }

    /// Lets new work begin again.
    public func resumeWork() async throws -> PauseView { try await call(.resumeWork) }
}

extension RemoteAdministration {
    /// Calls a tenant something else, shuts it out, or lets it in again, if it is as the conditions say.
    public func changeTenant(
        _ name: String, _ order: TenantChangeOrder, onlyIf conditions: Preconditions
    ) async throws -> TenantView {
        try await call(.changeTenant, ["tenant": name], body: order, onlyIf: conditions)
    }

    /// Deletes a tenant, for good, if it is as the conditions say, and returns it as it was last.
    public func deleteTenant(_ name: String, onlyIf conditions: Preconditions) async throws -> TenantView {
        try await call(.deleteTenant, ["tenant": name], onlyIf: conditions)
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

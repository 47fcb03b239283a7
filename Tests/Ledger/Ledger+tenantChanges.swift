@testable import Ledger

/// Changes of a tenant one at a time.
extension Ledger {
    /// Shuts a tenant out until it is resumed.
    @discardableResult
    func suspendTenant(
        _ name: String, by actor: Actor, because reason: String? = nil, endsRunning: Bool = true
    ) async throws(LedgerFailure) -> Tenant {
        let change = TenantChange(standing: .suspended(because: reason, endsRunning: endsRunning))
        return try await changeTenant(name, change, by: actor)
    }

    /// Lets a tenant in again.
    @discardableResult
    func resumeTenant(_ name: String, by actor: Actor) async throws(LedgerFailure) -> Tenant {
        try await changeTenant(name, TenantChange(standing: .active), by: actor)
    }

    /// Calls a tenant something else.
    @discardableResult
    func renameTenant(_ name: String, to new: String, by actor: Actor) async throws(LedgerFailure) -> Tenant {
        try await changeTenant(name, TenantChange(name: new), by: actor)
    }
}

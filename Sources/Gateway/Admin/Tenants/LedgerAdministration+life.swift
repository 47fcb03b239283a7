import Ledger

extension LedgerAdministration {
    /// Calls a tenant something else, shuts it out, or lets it in again, if it is as the conditions say.
    public func changeTenant(
        _ name: String, _ order: TenantChangeOrder, onlyIf conditions: Preconditions
    ) async throws -> TenantView {
        let change = try order.change()
        if let name = order.name { _ = try named(name) }
        try checkReason(order.reason)
        return TenantView(
            try await mapped {
                try await ledger.changeTenant(
                    named(name), change, by: actor, onlyIf: { conditions.allow(TenantView($0)) })
            })
    }

    /// Deletes a tenant, for good, if it is as the conditions say, and returns it as it was last.
    public func deleteTenant(_ name: String, onlyIf conditions: Preconditions) async throws -> TenantView {
        TenantView(
            try await mapped {
                try await ledger.deleteTenant(
                    named(name), by: actor, onlyIf: { conditions.allow(TenantView($0)) })
            })
    }

    /// Refuses a tenant's key until it is resumed.
    public func suspendKey(_ id: String, _ order: SuspensionOrder) async throws -> KeyView {
        try checkReason(order.reason)
        let keyID = try parsed(id), endsRunning = order.endRunning ?? false
        return KeyView(
            try await mapped {
                try await ledger.suspendKey(keyID, by: actor, because: order.reason, endsRunning: endsRunning)
            })
    }

    /// Lets a suspended key open the door again.
    public func resumeKey(_ id: String) async throws -> KeyView {
        let keyID = try parsed(id)
        return KeyView(try await mapped { try await ledger.resumeKey(keyID, by: actor) })
    }

    /// Whether all new work is paused.
    public func pause() async throws -> PauseView {
        PauseView(try await mapped { try await ledger.presentPause() })
    }

    /// Lets nothing new begin, for any tenant and on any gateway.
    public func pauseWork(_ order: SuspensionOrder) async throws -> PauseView {
        try checkReason(order.reason)
        let endsRunning = order.endRunning ?? false
        return PauseView(
            try await mapped {
                try await ledger.pauseWork(by: actor, because: order.reason, endsRunning: endsRunning)
            })
    }

    /// Lets new work begin again.
    public func resumeWork() async throws -> PauseView {
        try await mapped { try await ledger.resumeWork(by: actor) }
        return PauseView(nil)
    }

    /// A reason is repeated to every caller who is refused: no token may be in it.
    private func checkReason(_ reason: String?) throws(Problem) {
        if let reason { try MisplacedToken.refused(reason) }
    }
}

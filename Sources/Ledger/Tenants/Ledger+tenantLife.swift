import Quota

extension Ledger {
    /// Changes what a tenant is called, and whether it is shut out.
    ///
    /// Renamed, it keeps its keys, its usage and all that runs: nothing but people knows it by its name. The old name is free
    /// for another tenant.
    ///
    /// - Parameter condition: judged in the commit, of the tenant as it is then.
    /// - Returns: the tenant as it is now.
    /// - Throws: ``LedgerFailure/noSuchTenant(_:)``, ``LedgerFailure/invalidTenantName``,
    ///   ``LedgerFailure/tenantExists(_:)``, ``LedgerFailure/preconditionFailed``, ``LedgerFailure/invalidReason``, ``LedgerFailure/unavailable(_:)``.
    @discardableResult
    public func changeTenant(
        _ name: String, _ change: TenantChange, by actor: Actor, onlyIf condition: (@Sendable (Tenant) -> Bool)? = nil
    ) async throws(LedgerFailure) -> Tenant {
        if let name = change.name, !Tenant.isValid(name: name) { throw .invalidTenantName }
        if case .suspended(let reason, _) = change.standing { _ = try Suspension.checked(reason: reason) }
        return try await commits.submit { [books] draft in
            var account = try draft.required(name)
            guard condition?(account.tenant) != false else { throw LedgerFailure.preconditionFailed }
            if let name = change.name { try Self.rename(&account, to: name, by: actor, in: &draft) }
            switch change.standing {
            case .suspended(let reason, let endsRunning):
                try Self.suspend(
                    &account, by: actor, because: reason, endsRunning: endsRunning, books, in: &draft)
                if endsRunning { try draft.endAll(.ofTenant(account.tenant), because: .tenantSuspended, books) }
            case .active: try Self.resume(&account, by: actor, in: &draft)
            case nil: break
            }
            return account.tenant
        }
    }

    /// Deletes a tenant, for good: its keys are revoked and all it has running or asleep is ended. What it consumed and what
    /// the audit log says of it stay; its name is free for another tenant, which has none of it.
    ///
    /// - Parameter condition: judged in the commit, of the tenant as it is then.
    /// - Returns: the tenant as it was last.
    /// - Throws: ``LedgerFailure/noSuchTenant(_:)``, ``LedgerFailure/preconditionFailed``,
    ///   ``LedgerFailure/unavailable(_:)``.
    @discardableResult
    public func deleteTenant(
        _ name: String, by actor: Actor, onlyIf condition: (@Sendable (Tenant) -> Bool)? = nil
    ) async throws(LedgerFailure) -> Tenant {
        try await commits.submit { [books] draft in
            var account = try draft.required(name)
            guard condition?(account.tenant) != false else { throw LedgerFailure.preconditionFailed }
            for key in draft.keys(of: account.tenant.handle) {
                _ = try Self.revoke(key, by: actor, because: EndedByAdministrator.tenantDeleted.rawValue, in: &draft)
            }
            try draft.endAll(.ofDeletedTenant(account.tenant), because: .tenantDeleted, books)
            // With what ending it all has changed.
            account = try draft.required(name)
            account.tenant.deletedAt = draft.now
            try draft.store(account)
            draft.tellLater(.tenantShutOut(account.tenant.handle), books)
            var entry = try draft.entry(.tenantDeleted, by: actor)
            entry.tenant = account.tenant.handle
            try draft.audit(entry)
            return account.tenant
        }
    }

    private static func rename(
        _ account: inout Books.Account, to name: String, by actor: Actor, in draft: inout Draft
    ) throws {
        let former = account.tenant.name
        guard name != former else { return }
        guard draft.account(named: name) == nil else { throw LedgerFailure.tenantExists(name) }
        account.tenant.name = name
        account.tenant.formerNames = account.tenant.formerNames.filter { $0 != former && $0 != name } + [former]
        try draft.store(account)
        var entry = try draft.entry(.tenantRenamed, by: actor)
        entry.tenant = account.tenant.handle
        entry.before = .object(["name": .string(former)])
        entry.after = .object(["name": .string(name)])
        try draft.audit(entry)
    }

    private static func suspend(
        _ account: inout Books.Account, by actor: Actor, because reason: String?, endsRunning: Bool,
        _ books: BooksBox, in draft: inout Draft
    ) throws {
        draft.tellLater(.tenantShutOut(account.tenant.handle), books)
        let former = account.tenant.suspension
        account.tenant.suspension = .following(
            former, by: actor, because: try Suspension.checked(reason: reason), at: draft.now)
        try record(.tenantSuspended, of: account, before: former, endsRunning: endsRunning, by: actor, in: &draft)
    }

    private static func resume(_ account: inout Books.Account, by actor: Actor, in draft: inout Draft) throws {
        guard let former = account.tenant.suspension else { return }
        account.tenant.suspension = nil
        try record(.tenantResumed, of: account, before: former, by: actor, in: &draft)
    }

    private static func record(
        _ action: AuditAction, of account: Books.Account, before former: Suspension?, endsRunning: Bool = false,
        by actor: Actor, in draft: inout Draft
    ) throws {
        try draft.store(account)
        var entry = try draft.entry(action, by: actor)
        entry.tenant = account.tenant.handle
        entry.before = Suspension.document(former)
        entry.after = Suspension.document(account.tenant.suspension, endsRunning: endsRunning)
        try draft.audit(entry)
    }
}

extension Draft {
    /// Writes what changed of a tenant itself.
    fileprivate mutating func store(_ account: Books.Account) throws {
        let tenant = account.tenant
        set(account)
        try execute(
            """
            UPDATE tenant SET present_name = ?, former_names = ?, disabled_at = ?, suspended_by = ?,
                suspension_reason = ?, deleted_at = ? WHERE id = ?
            """,
            [
                tenant.name == tenant.handle ? nil : tenant.name,
                tenant.formerNames.isEmpty ? nil : try Document.text(tenant.formerNames),
                tenant.suspension?.since.nanoseconds, tenant.suspension?.by, tenant.suspension?.reason,
                tenant.deletedAt?.nanoseconds, tenant.id,
            ])
    }
}

public import Quota

extension Ledger {
    /// Makes a tenant.
    ///
    /// - Parameters:
    ///   - name: `^[a-z0-9][a-z0-9-]{0,62}$`, not used before.
    ///   - policy: Its limits; those of new tenants unless told otherwise.
    ///   - actor: Who does it, for the audit log, such as `local:root`.
    ///   - key: Makes a repeated request get what the first one made.
    /// - Throws: ``LedgerFailure/invalidTenantName``, ``LedgerFailure/tenantExists(_:)``,
    ///   ``LedgerFailure/invalidPolicy(_:)``, ``LedgerFailure/unavailable(_:)``; with a key what ``Draft/once(_:by:make:)``
    ///   says.
    @discardableResult
    public func createTenant(
        _ name: String, policy: Policy? = nil, by actor: Actor, under key: RequestKey? = nil
    ) async throws(LedgerFailure) -> Tenant {
        guard Tenant.isValid(name: name) else { throw .invalidTenantName }
        if let policy { try Self.validate(policy) }
        let request = prepared(key, ["createTenant", name], by: actor)
        return try await commits.submit { draft in
            try draft.once(request, by: actor) { draft in
                try Self.createTenant(name, policy: policy, by: actor, in: &draft)
            }
        }
    }

    private static func createTenant(
        _ name: String, policy: Policy?, by actor: Actor, in draft: inout Draft
    ) throws -> Tenant {
        guard draft.account(name) == nil else { throw LedgerFailure.tenantExists(name) }
        let policy = policy ?? draft.defaultPolicy
        let id = try draft.database.insert(
            "INSERT INTO tenant (name, created_at, policy) VALUES (?, ?, ?) RETURNING id",
            [name, draft.now.nanoseconds, try Document.text(policy)]
        )
        let tenant = Tenant(id: id, name: name, createdAt: draft.now)
        draft.setUsage(Usage(), of: Books.Account(tenant: tenant, policy: policy, usage: Usage()))
        var entry = try draft.entry(.tenantCreated, by: actor)
        entry.tenant = name
        entry.after = .object(["policy": try CanonicalJSON(encoding: policy)])
        try draft.audit(entry)
        return tenant
    }

    /// All tenants, by name.
    public func tenants() async throws(LedgerFailure) -> [Tenant] {
        try await askPeers(for: .changes)
        return books.withLock { $0.accounts.values.map(\.tenant) }.sorted { $0.name < $1.name }
    }

    /// The tenant of this name.
    ///
    /// - Throws: ``LedgerFailure/noSuchTenant(_:)``.
    public func tenant(_ name: String) async throws(LedgerFailure) -> Tenant {
        try await askPeers(for: .changes)
        return try account(name).tenant
    }

    /// Shuts a tenant out, or lets it in again. What is running goes on.
    ///
    /// - Parameter condition: judged in the commit, of the tenant as it is then.
    /// - Returns: the tenant as it is now.
    /// - Throws: ``LedgerFailure/noSuchTenant(_:)``, ``LedgerFailure/preconditionFailed``,
    ///   ``LedgerFailure/unavailable(_:)``.
    @discardableResult
    public func setTenantDisabled(
        _ disabled: Bool, of name: String, by actor: Actor, onlyIf condition: (@Sendable (Tenant) -> Bool)? = nil
    ) async throws(LedgerFailure) -> Tenant {
        try await commits.submit { draft in
            guard var account = draft.account(name) else { throw LedgerFailure.noSuchTenant(name) }
            guard condition?(account.tenant) != false else { throw LedgerFailure.preconditionFailed }
            let wasDisabled = account.tenant.isDisabled
            account.tenant.disabledAt = disabled ? account.tenant.disabledAt ?? draft.now : nil
            draft.set(account)
            try draft.execute(
                "UPDATE tenant SET disabled_at = ? WHERE id = ?",
                [account.tenant.disabledAt?.nanoseconds, account.tenant.id]
            )
            var entry = try draft.entry(.tenantChanged, by: actor)
            entry.tenant = name
            entry.before = .object(["disabled": .bool(wasDisabled)])
            entry.after = .object(["disabled": .bool(disabled)])
            try draft.audit(entry)
            return account.tenant
        }
    }

    /// A tenant's limits.
    ///
    /// - Throws: ``LedgerFailure/noSuchTenant(_:)``.
    public func policy(of name: String) async throws(LedgerFailure) -> Policy {
        try await askPeers(for: .changes)
        return try account(name).policy
    }

    /// Sets a tenant's limits, from the next call on. What is running keeps what it was granted.
    ///
    /// - Throws: ``LedgerFailure/noSuchTenant(_:)``, ``LedgerFailure/invalidPolicy(_:)``,
    ///   ``LedgerFailure/unavailable(_:)``.
    public func setPolicy(_ policy: Policy, of name: String, by actor: Actor) async throws(LedgerFailure) {
        try await changePolicy(of: name, by: actor) { _ in policy }
    }

    /// Changes a tenant's limits as they are at that moment, so that of two changes at once neither is lost.
    ///
    /// - Parameter condition: judged in the commit, of the limits as they are then.
    /// - Returns: the limits in force from the next call on.
    /// - Throws: as ``setPolicy(_:of:by:)``; ``LedgerFailure/preconditionFailed``; what `change` throws as ``LedgerFailure/invalidPolicy(_:)``.
    @discardableResult
    public func changePolicy(
        of name: String, by actor: Actor, onlyIf condition: (@Sendable (Policy) -> Bool)? = nil,
        _ change: @escaping @Sendable (Policy) throws(PolicyFailure) -> Policy
    ) async throws(LedgerFailure) -> Policy {
        try await commits.submit { draft in
            guard var account = draft.account(name) else { throw LedgerFailure.noSuchTenant(name) }
            let policy = try Self.changed(account.policy, change)
            guard condition?(account.policy) != false else { throw LedgerFailure.preconditionFailed }
            var entry = try draft.entry(.policySet, by: actor)
            entry.tenant = name
            entry.before = try CanonicalJSON(encoding: account.policy)
            entry.after = try CanonicalJSON(encoding: policy)
            account.policy = policy
            for threshold in account.usage.passThresholds(under: policy, at: draft.now) {
                try NotificationStore.add(threshold, of: name, in: &draft)
            }
            draft.set(account)
            draft.setUsage(account.usage, of: account)
            try draft.execute(
                "UPDATE tenant SET policy = ? WHERE id = ?", [try Document.text(policy), account.tenant.id]
            )
            try draft.audit(entry)
            return policy
        }
    }

    static func changed(
        _ policy: Policy, _ change: (Policy) throws(PolicyFailure) -> Policy
    ) throws(LedgerFailure) -> Policy {
        do {
            return try change(policy).validated()
        } catch {
            throw .invalidPolicy(error)
        }
    }

    /// How many of upstream's sandboxes each tenant is guaranteed, as committed; those with none, and those that are shut
    /// out, are not named.
    public func guaranteedSandboxes() -> [String: Int] {
        books.withLock { books in
            books.accounts.compactMapValues { account in
                let guaranteed = account.tenant.isDisabled ? 0 : account.policy.guaranteedSandboxes
                return guaranteed > 0 ? guaranteed : nil
            }
        }
    }

    func account(_ name: String) throws(LedgerFailure) -> Books.Account {
        guard let account = books.withLock({ $0.accounts[name] }) else { throw .noSuchTenant(name) }
        return account
    }

    private static func validate(_ policy: Policy) throws(LedgerFailure) {
        do { try policy.validated() } catch { throw .invalidPolicy(error) }
    }
}

public import Quota

extension Ledger {
    /// Makes a tenant.
    ///
    /// - Parameters:
    ///   - name: `^[a-z0-9][a-z0-9-]{0,62}$`; no tenant that there is may be called so.
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
        guard draft.account(named: name) == nil else { throw LedgerFailure.tenantExists(name) }
        let policy = policy ?? draft.defaultPolicy
        let handle = draft.freeHandle(for: name)
        let id = try draft.database.insert(
            "INSERT INTO tenant (name, present_name, created_at, policy) VALUES (?, ?, ?, ?) RETURNING id",
            [handle, handle == name ? nil : name, draft.now.nanoseconds, try Document.text(policy)]
        )
        let tenant = Tenant(id: id, handle: handle, name: name, createdAt: draft.now)
        draft.setUsage(Usage(), of: Books.Account(tenant: tenant, policy: policy, usage: Usage()))
        var entry = try draft.entry(.tenantCreated, by: actor)
        entry.tenant = handle
        entry.after = .object(["policy": try CanonicalJSON(encoding: policy)])
        try draft.audit(entry)
        return tenant
    }

    /// All tenants that there are, by name.
    public func tenants() async throws(LedgerFailure) -> [Tenant] {
        try await askPeers(for: .changes)
        return books.withLock { $0.accounts.values.map(\.tenant) }.filter { !$0.isDeleted }.sorted { $0.name < $1.name }
    }

    /// The tenant of this name.
    ///
    /// - Throws: ``LedgerFailure/noSuchTenant(_:)``.
    public func tenant(_ name: String) async throws(LedgerFailure) -> Tenant {
        try await askPeers(for: .changes)
        return try account(named: name).tenant
    }

    /// What a tenant is called, by its handle; the handle itself if it is unknown. From memory.
    public func tenantName(_ handle: String) -> String { tenant(handle: handle)?.name ?? handle }

    /// The tenant of this handle, also one that was deleted; nil if it is unknown. From memory.
    public func tenant(handle: String) -> Tenant? { books.withLock { $0.accounts[handle]?.tenant } }

    /// A tenant's limits.
    ///
    /// - Throws: ``LedgerFailure/noSuchTenant(_:)``.
    public func policy(of name: String) async throws(LedgerFailure) -> Policy {
        try await askPeers(for: .changes)
        return try account(named: name).policy
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
            var account = try draft.required(name)
            let policy = try Self.changed(account.policy, change)
            guard condition?(account.policy) != false else { throw LedgerFailure.preconditionFailed }
            var entry = try draft.entry(.policySet, by: actor)
            entry.tenant = account.tenant.handle
            entry.before = try CanonicalJSON(encoding: account.policy)
            entry.after = try CanonicalJSON(encoding: policy)
            account.policy = policy
            for threshold in account.usage.passThresholds(under: policy, at: draft.now) {
                try NotificationStore.add(threshold, of: account.tenant, in: &draft)
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

    /// How many of upstream's sandboxes each tenant is guaranteed, by handle, as committed; those with none, and those that
    /// are shut out, are not named.
    public func guaranteedSandboxes() -> [String: Int] {
        books.withLock { books in
            books.accounts.compactMapValues { account in
                let isIn = !account.tenant.isSuspended && !account.tenant.isDeleted
                let guaranteed = isIn ? account.policy.guaranteedSandboxes : 0
                return guaranteed > 0 ? guaranteed : nil
            }
        }
    }

    func account(named name: String) throws(LedgerFailure) -> Books.Account {
        guard let account = books.withLock({ $0.account(named: name) }) else { throw .noSuchTenant(name) }
        return account
    }

    private static func validate(_ policy: Policy) throws(LedgerFailure) {
        do { try policy.validated() } catch { throw .invalidPolicy(error) }
    }
}

extension Draft {
    /// A handle that no tenant has or had.
    fileprivate func freeHandle(for name: String) -> String {
        var (handle, number) = (name, 1)
        while account(handle) != nil {
            number += 1
            // No name has this character in it.
            handle = "\(name)~\(number)"
        }
        return handle
    }
}

import Quota

/// What a declaration changes of what there is: all of it judged before any of it is done.
public struct DeclarationPlan: Encodable, Sendable {
    /// In the order in which they are done: what new tenants get, then tenants by name.
    public var changes: [DeclaredChange]

    /// Compares a declaration with what there is.
    ///
    /// - Parameter prunes: whether tenants that are not named are shut out.
    /// - Throws: ``DeclarationFailure`` for limits that cannot be, and for tenants that are called otherwise by now, with their
    ///   place; whatever asking throws.
    public init(
        _ declaration: Declaration, prunes: Bool = false, with administration: any Administration
    ) async throws {
        let known = try await administration.versionedDefaultPolicy()
        var standard = Policy(known.value)
        changes = []
        if let declared = declaration.defaultPolicy {
            let wanted = try declared.applied(to: standard)
            if wanted != standard {
                changes.append(
                    DeclaredChange(
                        action: .change, tenant: nil, fields: Self.difference(known.value, PolicyView(wanted)),
                        policy: declared.change, basis: .tag(known.tag), suspended: nil, tenantTag: nil))
            }
            standard = wanted
        }
        let tenants = try await administration.tenants()
        let present = Dictionary(uniqueKeysWithValues: tenants.map { ($0.name, $0) })
        for declared in declaration.tenants {
            guard let tenant = present[declared.name] else {
                try Self.refuseRenamed(declared, among: tenants)
                changes.append(try Self.creation(of: declared, under: standard))
                continue
            }
            if let change = try await Self.change(of: tenant, to: declared, with: administration) {
                changes.append(change)
            }
        }
        guard prunes else { return }
        let named = Set(declaration.tenants.map(\.name))
        for tenant in tenants where !named.contains(tenant.name) && !tenant.disabled {
            let present = try await administration.versionedTenant(tenant.name)
            guard !present.value.disabled else { continue }
            changes.append(
                DeclaredChange(
                    action: .prune, tenant: tenant.name, fields: [Self.suspension(from: false, to: true)], policy: nil,
                    basis: .any, suspended: true, tenantTag: present.tag))
        }
    }

    /// A file that was not renamed with the tenant would make another, without its keys, and have the real one pruned.
    private static func refuseRenamed(
        _ declared: Declaration.DeclaredTenant, among tenants: [TenantView]
    ) throws(DeclarationFailure) {
        guard let renamed = tenants.first(where: { $0.formerNames?.contains(declared.name) == true }) else { return }
        throw DeclarationFailure(
            declared.place,
            "\(declared.name) is called \(renamed.name) now: rename it here, too. If another tenant of that name is meant, "
                + "make it first: tenant create \(declared.name)")
    }

    /// With the default policy as it will be then.
    private static func creation(
        of declared: Declaration.DeclaredTenant, under standard: Policy
    ) throws(DeclarationFailure) -> DeclaredChange {
        let wanted = try declared.policy?.applied(to: standard) ?? standard
        var fields = difference(PolicyView(standard), PolicyView(wanted))
        if declared.suspended == true { fields.insert(suspension(from: nil, to: true), at: 0) }
        // Its limits are the default policy's when it is made: if that has changed by then, they are not as they were shown,
        // also where they were to be the same.
        return DeclaredChange(
            action: .create, tenant: declared.name, fields: fields, policy: declared.policy?.change,
            basis: .standard(standard), suspended: declared.suspended == true ? true : nil, tenantTag: nil)
    }

    private static func change(
        of tenant: TenantView, to declared: Declaration.DeclaredTenant, with administration: any Administration
    ) async throws -> DeclaredChange? {
        var fields: [DeclaredChange.Field] = []
        var suspended: Bool?
        var tenantTag: EntityTag?
        if let wanted = declared.suspended, wanted != tenant.disabled {
            let present = try await administration.versionedTenant(tenant.name)
            if wanted != present.value.disabled {
                (suspended, tenantTag) = (wanted, present.tag)
                fields.append(suspension(from: present.value.disabled, to: wanted))
            }
        }
        var change: PolicyChange?
        var basis = DeclaredChange.Basis.any
        if let policy = declared.policy {
            let present = try await administration.versionedPolicy(of: tenant.name)
            let difference = difference(present.value, PolicyView(try policy.applied(to: Policy(present.value))))
            if !difference.isEmpty {
                (change, basis) = (policy.change, .tag(present.tag))
                fields += difference
            }
        }
        guard !fields.isEmpty else { return nil }
        return DeclaredChange(
            action: .change, tenant: tenant.name, fields: fields, policy: change, basis: basis, suspended: suspended,
            tenantTag: tenantTag)
    }

    private static func suspension(from before: Bool?, to after: Bool) -> DeclaredChange.Field {
        DeclaredChange.Field(field: "suspended", before: before.map { "\($0)" }, after: "\(after)")
    }

    private static func difference(_ before: PolicyView, _ after: PolicyView) -> [DeclaredChange.Field] {
        zip(PolicyFields.of(before), PolicyFields.of(after)).compactMap { before, after -> DeclaredChange.Field? in
            before.text == after.text
                ? nil : DeclaredChange.Field(field: before.name, before: before.text, after: after.text)
        }
    }
}

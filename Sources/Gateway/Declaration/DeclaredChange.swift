import Quota

/// What a declaration changes of one tenant, or of what new tenants get; and how far it has come.
public struct DeclaredChange: Encodable, Sendable {
    /// What is done.
    public enum Action: String, Encodable, Sendable {
        /// A tenant is made.
        case create
        /// Limits are changed, or whether a tenant is shut out.
        case change
        /// A tenant that no file names is shut out.
        case prune
    }

    /// One field's change; nil where it limits nothing.
    public struct Field: Encodable, Sendable, Hashable {
        /// Under its name in the API, of those within others with dots between.
        public let field: String
        /// What it was.
        public let before: String?
        /// What it is to be.
        public let after: String?
    }

    /// How far it has come.
    public enum State: String, Encodable, Sendable {
        case planned, applied, failed
        /// An earlier one failed.
        case notBegun = "not_begun"
    }

    /// What is done.
    public let action: Action
    /// Of which tenant; nil: of what new tenants get.
    public let tenant: String?
    /// Every field that changes, in the order of the API's documents.
    public let fields: [Field]
    /// How far it has come.
    public var state = State.planned
    /// What went wrong.
    public var error: String?

    /// The limits to be set; nil where they stay.
    let policy: PolicyChange?
    /// The limits when this was decided.
    let basis: Basis
    /// Whether the tenant is to be shut out; nil where that stays.
    let suspended: Bool?

    /// What the limits must still be for their change to be made.
    enum Basis: Sendable {
        /// In this state.
        case tag(EntityTag)
        /// Those of new tenants when the tenant is made.
        case standard(Policy)
        /// Whatever they are: they are not changed.
        case any
    }

    enum CodingKeys: CodingKey { case action, tenant, fields, state, error }

    /// Does it, unless somebody changed the same meanwhile.
    ///
    /// - Throws: why not. What was done before stays done.
    public func apply(with administration: any Administration) async throws {
        if action == .create, let tenant { _ = try await administration.createTenant(tenant) }
        if let policy {
            let conditions = try await conditions(of: tenant, administration)
            if let tenant {
                _ = try await administration.changePolicy(of: tenant, policy, onlyIf: conditions)
            } else {
                _ = try await administration.changeDefaultPolicy(policy, onlyIf: conditions)
            }
        }
        guard let tenant, let suspended else { return }
        let present = try await administration.versionedTenant(tenant)
        // Somebody may have done it meanwhile.
        guard present.value.disabled != suspended else { return }
        _ = try await administration.changeTenant(
            tenant, TenantChangeOrder(disabled: suspended), onlyIf: Preconditions(matching: present.tag))
    }

    private func conditions(
        of tenant: String?, _ administration: any Administration
    ) async throws -> Preconditions {
        switch basis {
        case .any: return .none
        case .tag(let tag): return Preconditions(matching: tag)
        case .standard(let standard):
            guard let tenant else { return .none }
            let made = try await administration.versionedPolicy(of: tenant)
            guard Policy(made.value) == standard else {
                throw Problem(
                    .preconditionFailed,
                    "What new tenants get was changed meanwhile: the tenant was made with that, and no more was done.",
                    shouldRetry: false)
            }
            return Preconditions(matching: made.tag)
        }
    }
}

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

        /// Whether that ends what a tenant runs: it is there, and is shut out.
        public var endsRunning: Bool { field == "suspended" && before != nil && after == "true" }
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
    /// The tenant's state when that was decided; nil of one that is to be made.
    let tenantTag: EntityTag?

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
    /// - Throws: why not; ``PartlyDone`` where something was done before, which stays done.
    public func apply(with administration: any Administration) async throws {
        var done: [String] = []
        do {
            if action == .create, let tenant {
                _ = try await administration.createTenant(tenant)
                done.append("The tenant was made.")
            }
            if let policy, try await setLimits(policy, administration) { done.append("The limits were changed.") }
            if let tenant, let suspended { try await suspend(tenant, suspended, administration) }
        } catch {
            guard !done.isEmpty else { throw error }
            throw PartlyDone(done: done, failure: error)
        }
    }

    /// - Returns: whether anything had to be changed.
    private func setLimits(_ policy: PolicyChange, _ administration: any Administration) async throws -> Bool {
        let conditions: Preconditions
        switch basis {
        case .any: conditions = .none
        case .tag(let tag): conditions = Preconditions(matching: tag)
        case .standard(let standard):
            guard let tenant else { return false }
            let made = try await administration.versionedPolicy(of: tenant)
            guard Policy(made.value) == standard else {
                throw Problem(
                    .preconditionFailed,
                    "What new tenants get was changed meanwhile, and the tenant was made with that.",
                    shouldRetry: false)
            }
            guard try policy.applied(to: standard) != standard else { return false }
            conditions = Preconditions(matching: made.tag)
        }
        if let tenant {
            _ = try await administration.changePolicy(of: tenant, policy, onlyIf: conditions)
        } else {
            _ = try await administration.changeDefaultPolicy(policy, onlyIf: conditions)
        }
        return true
    }

    private func suspend(
        _ tenant: String, _ suspended: Bool, _ administration: any Administration
    ) async throws {
        let tag: EntityTag
        if let tenantTag {
            tag = tenantTag
        } else {
            let made = try await administration.versionedTenant(tenant)
            // Somebody may have done it since it was made.
            guard made.value.disabled != suspended else { return }
            tag = made.tag
        }
        _ = try await administration.changeTenant(
            tenant, TenantChangeOrder(disabled: suspended), onlyIf: Preconditions(matching: tag))
    }
}

/// A change that failed on its way.
struct PartlyDone: Error, CustomStringConvertible {
    /// In sentences.
    let done: [String]
    let failure: any Error

    var description: String { "\(done.joined(separator: " ")) Then it failed: \(failure)" }
}

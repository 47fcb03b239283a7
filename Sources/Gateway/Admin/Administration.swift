/// What administrators do. Two ways lead there: straight to the ledger, or through a running gateway.
public protocol Administration: Sendable {
    /// Makes a tenant with the default policy.
    func createTenant(_ name: String) async throws -> TenantView
    /// Those tenants that fit, by name.
    func tenants(_ filter: TenantFilter) async throws -> [TenantView]
    /// One tenant, and which state of it this is.
    func versionedTenant(_ name: String) async throws -> Versioned<TenantView>
    /// Calls a tenant something else, shuts it out, or lets it in again, if it is as the conditions say.
    func changeTenant(
        _ name: String, _ order: TenantChangeOrder, onlyIf conditions: Preconditions
    ) async throws -> TenantView
    /// Deletes a tenant, for good, if it is as the conditions say, and returns it as it was last.
    func deleteTenant(_ name: String, onlyIf conditions: Preconditions) async throws -> TenantView
    /// Makes a key and its token.
    func issueKey(for tenant: String) async throws -> IssuedKeyView
    /// Those keys that fit, the oldest first.
    func keys(_ filter: KeyFilter) async throws -> [KeyView]
    /// Makes a key's successor; the old one goes on for the overlap.
    func rotateKey(_ id: String, overlapSeconds: Double) async throws -> IssuedKeyView
    /// Revokes a tenant's key by its id, at once.
    func revokeKey(_ id: String) async throws -> KeyView
    /// Refuses a tenant's key until it is resumed.
    func suspendKey(_ id: String, _ order: SuspensionOrder) async throws -> KeyView
    /// Lets a suspended key open the door again.
    func resumeKey(_ id: String) async throws -> KeyView
    /// Whether all new work is paused.
    func pause() async throws -> PauseView
    /// Lets nothing new begin, for any tenant and on any gateway.
    func pauseWork(_ order: SuspensionOrder) async throws -> PauseView
    /// Lets new work begin again.
    func resumeWork() async throws -> PauseView
    /// Those admin tokens that fit, without what opens anything, the oldest first.
    func adminTokens(_ filter: AdminTokenFilter) async throws -> [AdminTokenView]
    /// Makes an admin token; with all admin scopes if none are named.
    func issueAdminToken(named name: String, scopes: [String]?) async throws -> IssuedAdminTokenView
    /// Revokes an admin token by its id, at once.
    func revokeAdminToken(_ id: String) async throws -> AdminTokenView
    /// A tenant's limits, and which state of them this is.
    func versionedPolicy(of tenant: String) async throws -> Versioned<PolicyView>
    /// Changes a tenant's limits, if they are as the conditions say, and returns them.
    func changePolicy(
        of tenant: String, _ change: PolicyChange, onlyIf conditions: Preconditions
    ) async throws -> PolicyView
    /// The limits that new tenants get, and which state of them this is.
    func versionedDefaultPolicy() async throws -> Versioned<PolicyView>
    /// Changes the limits that new tenants get, if they are as the conditions say, and returns them; those that exist keep
    /// theirs.
    func changeDefaultPolicy(_ change: PolicyChange, onlyIf conditions: Preconditions) async throws -> PolicyView
    /// Runtime that a tenant was given once and that is not over, the credit that ends first in front.
    func credits(of tenant: String) async throws -> [CreditView]
    /// Gives a tenant runtime once.
    func grantCredit(_ credit: NewCredit, to tenant: String) async throws -> CreditView
    /// Takes back what is left of a credit and returns it as it was.
    func withdrawCredit(_ id: String, of tenant: String) async throws -> CreditView
    /// What a tenant has used and reserved, and one of its subjects where subjects are limited: nil for calls without one.
    func usage(of tenant: String, subject: String?) async throws -> UsageView
    /// What settled executions came to.
    func consumption(_ filter: ConsumptionFilter) async throws -> ConsumptionView
    /// What other limits would have done to a tenant's past. Changes nothing.
    func simulate(_ order: SimulationOrder, on tenant: String) async throws -> SimulationView
    /// How it stands with upstream; nil where no gateway runs.
    func upstream() async throws -> UpstreamStanding?
    /// Audit records that fit.
    func auditRecords(_ filter: AuditFilter) async throws -> AuditPageView
    /// Walks the whole audit chain.
    func verifyAudit() async throws -> AuditVerificationView
    /// Checkpoints behind the one of this number, the oldest first.
    func checkpoints(after number: Int64, limit: Int) async throws -> [CheckpointView]
    /// Signs where the chain is now.
    func makeCheckpoint() async throws -> CheckpointView
    /// The key with which checkpoints are verified.
    func checkpointKey() async throws -> CheckpointKeyView
    /// The code of an execution whose tenant's policy has it recorded. That it is shown is audited.
    func recordedCode(of execution: String) async throws -> RecordedCodeView
}

extension Administration {
    /// All tenants by name.
    public func tenants() async throws -> [TenantView] { try await tenants(TenantFilter()) }
    /// One tenant.
    public func tenant(_ name: String) async throws -> TenantView { try await versionedTenant(name).value }
    /// Calls a tenant something else, shuts it out, or lets it in again.
    public func changeTenant(_ name: String, _ order: TenantChangeOrder) async throws -> TenantView {
        try await changeTenant(name, order, onlyIf: .none)
    }
    /// Deletes a tenant, for good, and returns it as it was last.
    public func deleteTenant(_ name: String) async throws -> TenantView {
        try await deleteTenant(name, onlyIf: .none)
    }
    /// All keys, or those of one tenant.
    public func keys(of tenant: String?) async throws -> [KeyView] { try await keys(KeyFilter(tenant: tenant)) }
    /// All admin tokens, without what opens anything.
    public func adminTokens() async throws -> [AdminTokenView] { try await adminTokens(AdminTokenFilter()) }
    /// A tenant's limits.
    public func policy(of tenant: String) async throws -> PolicyView { try await versionedPolicy(of: tenant).value }
    /// Changes a tenant's limits and returns them.
    public func changePolicy(of tenant: String, _ change: PolicyChange) async throws -> PolicyView {
        try await changePolicy(of: tenant, change, onlyIf: .none)
    }
    /// The limits that new tenants get.
    public func defaultPolicy() async throws -> PolicyView { try await versionedDefaultPolicy().value }
    /// Changes the limits that new tenants get and returns them; those that exist keep theirs.
    public func changeDefaultPolicy(_ change: PolicyChange) async throws -> PolicyView {
        try await changeDefaultPolicy(change, onlyIf: .none)
    }
}

/// What administrators do. Two ways lead there: straight to the ledger, or through a running gateway.
public protocol Administration: Sendable {
    /// Makes a tenant with the default policy.
    func createTenant(_ name: String) async throws -> TenantView
    /// All tenants by name.
    func tenants() async throws -> [TenantView]
    /// One tenant.
    func tenant(_ name: String) async throws -> TenantView
    /// Calls a tenant something else, shuts it out, or lets it in again.
    func changeTenant(_ name: String, _ order: TenantChangeOrder) async throws -> TenantView
    /// Deletes a tenant, for good, and returns it as it was last.
    func deleteTenant(_ name: String) async throws -> TenantView
    /// Makes a key and its token.
    func issueKey(for tenant: String) async throws -> IssuedKeyView
    /// All keys, or those of one tenant.
    func keys(of tenant: String?) async throws -> [KeyView]
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
    /// All admin tokens, without what opens anything.
    func adminTokens() async throws -> [AdminTokenView]
    /// Makes an admin token; with all admin scopes if none are named.
    func issueAdminToken(named name: String, scopes: [String]?) async throws -> IssuedAdminTokenView
    /// Revokes an admin token by its id, at once.
    func revokeAdminToken(_ id: String) async throws -> AdminTokenView
    /// A tenant's limits.
    func policy(of tenant: String) async throws -> PolicyView
    /// Changes a tenant's limits and returns them.
    func changePolicy(of tenant: String, _ change: PolicyChange) async throws -> PolicyView
    /// The limits that new tenants get.
    func defaultPolicy() async throws -> PolicyView
    /// Changes the limits that new tenants get and returns them; those that exist keep theirs.
    func changeDefaultPolicy(_ change: PolicyChange) async throws -> PolicyView
    /// Gives a tenant runtime once.
    func grantCredit(_ credit: NewCredit, to tenant: String) async throws -> CreditView
    /// Takes back what is left of a credit and returns it as it was.
    func withdrawCredit(_ id: String, of tenant: String) async throws -> CreditView
    /// What a tenant has used and reserved, and one of its subjects where subjects are limited: nil for calls without one.
    func usage(of tenant: String, subject: String?) async throws -> UsageView
    /// What tenants have used and reserved, by their names, at most so many.
    func usages(limit: Int) async throws -> [UsageView]
    /// What goes on now, with what upstream has and the ledger does not, where a gateway is asked that knows.
    func liveWork(_ filter: LiveFilter) async throws -> [LiveWorkView]
    /// Ends a sandbox, or an execution wherever it runs.
    func kill(_ id: String) async throws
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

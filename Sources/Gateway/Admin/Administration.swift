import Auth
public import Ledger
import Quota

/// What administrators do. Two ways lead there: straight to the ledger, or through a running gateway.
public protocol Administration: Sendable {
    /// Makes a tenant with the standard policy.
    func createTenant(_ name: String) async throws -> TenantView
    /// All tenants by name.
    func tenants() async throws -> [TenantView]
    /// One tenant.
    func tenant(_ name: String) async throws -> TenantView
    /// Makes a key and its token.
    func issueKey(for tenant: String) async throws -> IssuedKeyView
    /// All keys, or those of one tenant.
    func keys(of tenant: String?) async throws -> [KeyView]
    /// Revokes a key by its id, at once.
    func revokeKey(_ id: String) async throws -> KeyView
    /// A tenant's limits.
    func policy(of tenant: String) async throws -> PolicyView
    /// Changes a tenant's limits and returns them.
    func changePolicy(of tenant: String, _ change: PolicyChange) async throws -> PolicyView
    /// What a tenant has used and reserved.
    func usage(of tenant: String) async throws -> UsageView
    /// Audit records, oldest first.
    func auditRecords(_ filter: AuditFilter) async throws -> [AuditRecordView]
    /// Walks the whole audit chain.
    func verifyAudit() async throws -> AuditVerificationView
}

/// Which audit records to list, oldest first.
public struct AuditFilter: Codable, Sendable {
    /// Only this tenant's records.
    public var tenant: String?
    /// Only this execution's records.
    public var execution: String?
    /// Only records after this sequence number.
    public var after: Int64?
    /// At most so many, 1–1000.
    public var limit: Int

    /// Which records.
    public init(tenant: String? = nil, execution: String? = nil, after: Int64? = nil, limit: Int = 100) {
        self.tenant = tenant
        self.execution = execution
        self.after = after
        self.limit = limit
    }
}

/// Administration on an open ledger.
public struct LedgerAdministration: Administration {
    private let ledger: Ledger
    private let actor: String

    /// - Parameter actor: who acts, for the audit log; such as `local:root`.
    public init(ledger: Ledger, actor: String) {
        self.ledger = ledger
        self.actor = actor
    }

    /// Makes a tenant with the standard policy.
    public func createTenant(_ name: String) async throws -> TenantView {
        TenantView(try await mapped { try await ledger.createTenant(name, by: actor) })
    }

    /// All tenants by name.
    public func tenants() async throws -> [TenantView] {
        try await mapped { try await ledger.tenants() }.map(TenantView.init)
    }

    /// One tenant.
    public func tenant(_ name: String) async throws -> TenantView {
        TenantView(try await mapped { try await ledger.tenant(name) })
    }

    /// Makes a key and its token.
    public func issueKey(for tenant: String) async throws -> IssuedKeyView {
        IssuedKeyView(try await mapped { try await ledger.issueKey(for: tenant, by: actor) })
    }

    /// All keys, or those of one tenant.
    public func keys(of tenant: String?) async throws -> [KeyView] {
        try await mapped { try await ledger.keys(of: tenant) }.map(KeyView.init)
    }

    /// Revokes a key by its id, at once.
    public func revokeKey(_ id: String) async throws -> KeyView {
        guard let keyID = KeyID(id) else {
            throw Problem(.invalidRequest, "\"\(id.prefix(64))\" is not a key id: 16 lowercase hex digits.")
        }
        return KeyView(try await mapped { try await ledger.revokeKey(keyID, by: actor) })
    }

    /// A tenant's limits.
    public func policy(of tenant: String) async throws -> PolicyView {
        PolicyView(try await mapped { try await ledger.policy(of: tenant) })
    }

    /// Changes a tenant's limits and returns them.
    public func changePolicy(of tenant: String, _ change: PolicyChange) async throws -> PolicyView {
        PolicyView(
            try await mapped {
                try await ledger.changePolicy(of: tenant, by: actor) { policy throws(PolicyFailure) in
                    try change.applied(to: policy)
                }
            }
        )
    }

    /// What a tenant has used and reserved.
    public func usage(of tenant: String) async throws -> UsageView {
        UsageView(tenant: tenant, try await mapped { try await ledger.usageReport(of: tenant) })
    }

    /// Audit records, oldest first.
    public func auditRecords(_ filter: AuditFilter) async throws -> [AuditRecordView] {
        guard (1...1000).contains(filter.limit) else {
            throw Problem(.invalidRequest, "limit must be from 1 to 1000.")
        }
        let query = AuditQuery(
            tenant: filter.tenant, execution: filter.execution, limit: filter.limit, after: filter.after ?? 0
        )
        return try await mapped { try await ledger.auditRecords(query) }.map(AuditRecordView.init)
    }

    /// Walks the whole audit chain.
    public func verifyAudit() async throws -> AuditVerificationView {
        AuditVerificationView(try await mapped { try await ledger.verifyAudit() })
    }

    /// The ledger's failures, as the problems that both doors speak.
    private func mapped<Value>(_ work: () async throws -> Value) async throws(Problem) -> Value {
        do {
            return try await work()
        } catch let failure as LedgerFailure {
            throw Problem(failure)
        } catch {
            throw .ledgerUnavailable
        }
    }
}

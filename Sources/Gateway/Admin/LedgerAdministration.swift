import Auth
import Foundation
public import Ledger

/// Administration on an open ledger.
public struct LedgerAdministration: Administration {
    let ledger: Ledger
    let actor: Actor

    /// Whoever can open the control socket, or the ledger itself, for the audit log.
    public static let localActor = Actor("local:\(NSUserName())")

    /// - Parameter actor: who acts, for the audit log.
    public init(ledger: Ledger, actor: Actor = localActor) {
        self.ledger = ledger
        self.actor = actor
    }

    /// Makes a tenant with the default policy.
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

    /// Shuts a tenant out, or lets it in again. What is running goes on.
    public func setTenantDisabled(_ disabled: Bool, of name: String) async throws -> TenantView {
        try await mapped { try await ledger.setTenantDisabled(disabled, of: name, by: actor) }
        return try await tenant(name)
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
        let keyID = try parsed(id)
        return KeyView(try await mapped { try await ledger.revokeKey(keyID, by: actor) })
    }

    /// Makes a key's successor; the old one goes on for the overlap.
    public func rotateKey(_ id: String, overlapSeconds: Double) async throws -> IssuedKeyView {
        guard let milliseconds = Int64(exactly: (overlapSeconds * 1000).rounded()) else {
            throw Problem(LedgerFailure.invalidOverlap)
        }
        let keyID = try parsed(id), overlap = Duration.milliseconds(milliseconds)
        return IssuedKeyView(try await mapped { try await ledger.rotateKey(keyID, overlap: overlap, by: actor) })
    }

    /// All admin tokens, without what opens anything.
    public func adminTokens() async throws -> [AdminTokenView] {
        try await mapped { try await ledger.adminKeys() }.map(AdminTokenView.init)
    }

    /// Makes an admin token; with all admin scopes if none are named.
    public func issueAdminToken(named name: String, scopes: [String]?) async throws -> IssuedAdminTokenView {
        let granted = try scopes.map(Self.adminScopes) ?? Scope.adminScopes
        return IssuedAdminTokenView(
            try await mapped { try await ledger.issueAdminToken(named: name, scopes: granted, by: actor) }
        )
    }

    /// Revokes an admin token by its id, at once.
    public func revokeAdminToken(_ id: String) async throws -> AdminTokenView {
        let keyID = try parsed(id)
        return AdminTokenView(try await mapped { try await ledger.revokeAdminKey(keyID, by: actor) })
    }

    /// Admin scopes by their names.
    static func adminScopes(_ names: [String]) throws(Problem) -> Set<Scope> {
        var scopes: Set<Scope> = []
        for name in names {
            guard let scope = Scope(rawValue: name), Scope.adminScopes.contains(scope) else {
                let known = Scope.adminScopes.map(\.rawValue).sorted().joined(separator: ", ")
                throw .invalidField("scopes", "knows \(known), not \"\(name.prefix(40))\"")
            }
            scopes.insert(scope)
        }
        return scopes
    }

    private func parsed(_ id: String) throws(Problem) -> KeyID {
        guard let keyID = KeyID(id) else {
            throw Problem(.invalidRequest, "\"\(id.prefix(64))\" is not a key id: 16 lowercase hex digits.")
        }
        return keyID
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
    func mapped<Value>(_ work: () async throws -> Value) async throws(Problem) -> Value {
        do {
            return try await work()
        } catch let failure as LedgerFailure {
            throw Problem(failure)
        } catch {
            throw .ledgerUnavailable
        }
    }
}

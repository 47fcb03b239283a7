import Auth
import Foundation
public import Ledger

/// Administration on an open ledger.
public struct LedgerAdministration: Administration {
    let ledger: Ledger
    let actor: Actor
    /// The idempotency key of what is made through this.
    let key: RequestKey?

    /// Whoever can open the control socket, or the ledger itself, for the audit log.
    public static let localActor = Actor("local:\(NSUserName())")

    /// - Parameters:
    ///   - actor: who acts, for the audit log.
    ///   - key: the idempotency key of what is made through this, if there is one.
    public init(ledger: Ledger, actor: Actor = localActor, under key: RequestKey? = nil) {
        self.ledger = ledger
        self.actor = actor
        self.key = key
    }

    /// Makes a tenant with the default policy.
    public func createTenant(_ name: String) async throws -> TenantView {
        TenantView(try await mapped { try await ledger.createTenant(named(name), by: actor, under: key) })
    }

    /// Those tenants that fit, by name.
    public func tenants(_ filter: TenantFilter) async throws -> [TenantView] {
        try filter.check()
        return try await mapped { try await ledger.tenants() }.map(TenantView.init).filter(filter.fits)
    }

    /// One tenant, and which state of it this is.
    public func versionedTenant(_ name: String) async throws -> Versioned<TenantView> {
        Versioned(TenantView(try await mapped { try await ledger.tenant(named(name)) }))
    }

    /// Makes a key and its token.
    public func issueKey(for tenant: String) async throws -> IssuedKeyView {
        IssuedKeyView(try await mapped { try await ledger.issueKey(for: named(tenant), by: actor, under: key) })
    }

    /// Those keys that fit, the oldest first.
    public func keys(_ filter: KeyFilter) async throws -> [KeyView] {
        try filter.check()
        return try await mapped { try await ledger.keys(of: filter.tenant.map(named)) }.map(KeyView.init)
            .filter(filter.fits)
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
        return IssuedKeyView(
            try await mapped { try await ledger.rotateKey(keyID, overlap: overlap, by: actor, under: key) })
    }

    /// Those admin tokens that fit, without what opens anything, the oldest first.
    public func adminTokens(_ filter: AdminTokenFilter) async throws -> [AdminTokenView] {
        try filter.check()
        return try await mapped { try await ledger.adminKeys() }.map(AdminTokenView.init).filter(filter.fits)
    }

    /// Makes an admin token; with all admin scopes if none are named.
    public func issueAdminToken(named name: String, scopes: [String]?) async throws -> IssuedAdminTokenView {
        let granted = try scopes.map(Self.adminScopes) ?? Scope.adminScopes
        return IssuedAdminTokenView(
            try await mapped { try await ledger.issueAdminToken(named: name, scopes: granted, by: actor, under: key) }
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
            try MisplacedToken.refused(name)
            guard let scope = Scope(rawValue: name), Scope.adminScopes.contains(scope) else {
                let known = Scope.adminScopes.map(\.rawValue).sorted().joined(separator: ", ")
                throw .invalidField("scopes", "knows \(known), not \"\(name.prefix(40))\"")
            }
            scopes.insert(scope)
        }
        return scopes
    }

    func parsed(_ id: String) throws(Problem) -> KeyID {
        try MisplacedToken.refused(id)
        guard let keyID = KeyID(id) else {
            // What is long is not repeated: it may be a part of a token.
            let said = id.utf8.count <= 32 ? "\"\(id)\"" : "That"
            throw Problem(.invalidRequest, "\(said) is not a key id: 16 lowercase hex digits.")
        }
        return keyID
    }

    /// A tenant's name, which somebody may have mistaken for a token: the ledger's failures repeat it.
    func named(_ tenant: String) throws(Problem) -> String { try MisplacedToken.refused(tenant) }

    /// The ledger's failures, as the problems that both doors speak.
    func mapped<Value>(_ work: () async throws -> Value) async throws(Problem) -> Value {
        do {
            return try await work()
        } catch let failure as LedgerFailure {
            throw Problem(failure)
        } catch let problem as Problem {
            throw problem
        } catch {
            throw .ledgerUnavailable
        }
    }
}

import Auth
import Ledger

/// Who administers, and what they may.
struct Administrator: Sendable {
    /// For the audit log: `admin:NAME`, or `local:USER` for whoever owns the ledger's files.
    let name: String
    let scopes: Set<Scope>
    /// Whether the token ends, or holds only in some places or ways. Such a token makes no other: what it makes would not
    /// be bound by that.
    let isRestricted: Bool
    /// What is still to be checked of the request, if it was signed.
    let signed: SignedRequest?

    /// Whoever can open the control socket, or the ledger itself.
    static let local = Administrator(
        name: LedgerAdministration.localActor, scopes: Scope.adminScopes, isRestricted: false, signed: nil
    )

    init(_ principal: AdminPrincipal, signed: SignedRequest?) {
        let claims = principal.claims
        self.init(
            name: "admin:\(principal.name)", scopes: principal.scopes,
            isRestricted: claims.notAfter != nil || !claims.sourceNetworks.isEmpty || claims.isSignedOnly,
            signed: signed
        )
    }

    private init(name: String, scopes: Set<Scope>, isRestricted: Bool, signed: SignedRequest?) {
        self.name = name
        self.scopes = scopes
        self.isRestricted = isRestricted
        self.signed = signed
    }

    func require(_ scope: Scope) throws(Problem) {
        guard scopes.contains(scope) else {
            throw Problem(.insufficientScope, "This needs the scope \"\(scope.rawValue)\".", shouldRetry: false)
        }
    }

    /// Which scopes a token may have that this administrator makes: never more than its own.
    func delegable(_ wanted: Set<Scope>?) throws(Problem) -> Set<Scope> {
        guard !isRestricted else {
            throw Problem(.insufficientScope, "A token with restrictions makes no admin tokens.", shouldRetry: false)
        }
        let wanted = wanted ?? scopes
        if let missing = wanted.subtracting(scopes).map(\.rawValue).min() {
            throw Problem(
                .insufficientScope, "You do not have the scope \"\(missing)\" and cannot give it.", shouldRetry: false
            )
        }
        return wanted
    }
}

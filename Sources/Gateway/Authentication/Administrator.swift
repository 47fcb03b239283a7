import Auth
import Ledger

/// Who administers, and what they may.
struct Administrator: Sendable {
    /// As the ledger judges and audits them.
    let actor: Actor
    let scopes: Set<Scope>
    /// Whether the token ends, or holds only for somebody, in some places or ways. Such a token makes no other admin
    /// token: what it makes would not be bound by that.
    let isRestricted: Bool

    /// Whoever owns the ledger's files.
    static func local(_ user: String, requestID: String, trace: TraceContext) -> Administrator {
        Administrator(
            actor: Actor("local:\(user)", requestID: requestID, traceID: trace.traceID, spanID: trace.spanID),
            scopes: Scope.adminScopes, isRestricted: false
        )
    }

    /// Whoever holds an admin token and calls.
    init(_ token: AdminPrincipal, requestID: String, sourceAddress: String, trace: TraceContext) {
        let claims = token.claims
        self.init(
            actor: Actor(
                token, requestID: requestID, sourceAddress: sourceAddress, traceID: trace.traceID,
                spanID: trace.spanID),
            scopes: token.scopes,
            isRestricted: claims.notAfter != nil || claims.subject != nil || !claims.sourceNetworks.isEmpty
                || claims.isSignedOnly
        )
    }

    private init(actor: Actor, scopes: Set<Scope>, isRestricted: Bool) {
        self.actor = actor
        self.scopes = scopes
        self.isRestricted = isRestricted
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

import Auth
import Quota

/// Who is calling and what the token lets them do: what authentication yields.
struct Principal: Sendable {
    let tenant: String
    let claims: Claims
    /// The tenant's policy as it stood when the call was authenticated.
    let policy: Policy

    var keyID: KeyID { claims.keyID }

    /// The longest timeout this call may ask for: the policy's, or the token's if that is shorter.
    var maximumTimeoutMilliseconds: Int64 {
        min(policy.timeoutMilliseconds, claims.maximumTimeout ?? .max)
    }

    func mayUse(template: String) -> Bool {
        policy.templates.contains(template) && claims.templates?.contains(template) != false
    }

    func require(_ scope: Scope) throws(Problem) {
        guard claims.scopes.contains(scope) else {
            throw Problem(.insufficientScope, "This needs the scope \"\(scope.rawValue)\".", shouldRetry: false)
        }
    }
}

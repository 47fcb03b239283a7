import Auth
import Quota

/// Who is calling and what the token lets them do: what authentication yields.
struct Principal: Sendable {
    /// The tenant, by its handle, which stays when it is renamed.
    let tenant: String
    /// What the tenant is called.
    let tenantName: String
    let claims: Claims
    /// The tenant's policy as it stood when the call was authenticated.
    let policy: Policy
    /// What is still to be checked of the request, if it was signed.
    let signed: SignedRequest?
    /// The refusal by rate that a shadow policy did not make.
    var shadowedRate: Denial?

    var keyID: KeyID { claims.keyID }

    /// The longest timeout this call may ask for: the policy's, or the token's if that is shorter.
    var maximumTimeoutMilliseconds: Int64 {
        min(policy.timeoutMilliseconds, claims.maximumTimeout ?? .max)
    }

    /// The policy's first template that the token leaves; else simply its first, to be refused by name.
    var defaultTemplate: String {
        policy.templates.first { claims.templates?.contains($0) != false } ?? policy.templates.first ?? ""
    }

    func require(template: String) throws(Problem) {
        guard policy.templates.contains(template) else {
            throw Problem(.notOffered, "The template \"\(template.prefix(100))\" is not offered.", shouldRetry: false)
        }
        guard claims.templates?.contains(template) != false else {
            throw Problem(
                .insufficientScope, "The token does not allow the template \"\(template)\".", shouldRetry: false)
        }
    }

    func mayUse(language: String) -> Bool {
        claims.languages?.contains(language) != false
    }

    func require(_ scope: Scope) throws(Problem) {
        guard claims.scopes.contains(scope) else {
            throw Problem(.insufficientScope, "This needs the scope \"\(scope.rawValue)\".", shouldRetry: false)
        }
    }
}

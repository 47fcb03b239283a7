import Auth
import HTTPTypes
import Hummingbird
import Ledger
import Logging
import Quota

/// Establishes who is calling, then takes one request from the tenant's rate: every authenticated call pays, however
/// malformed what follows. The reply, refusal or not, tells the caller what is left. Whoever is suspended is told so, at
/// nobody's expense: a leaked key that was stopped must not use up what its tenant's others live on.
struct Authenticator: RouterMiddleware {
    typealias Context = OpenContext

    let ledger: Ledger
    let failures: FailedAuthentications
    let stages: StageClock

    func handle(
        _ request: Request, context: OpenContext, next: (Request, OpenContext) async throws -> Response
    ) async throws -> Response {
        let (principal, credential, standings) = try await stages.time(.authenticate) { () throws(Problem) in
            let known = try await failures.watching(context.sourceAddress) { () throws(Problem) in
                try await authenticate(request, context)
            }
            // Its credential held: that it is suspended is no failed guess.
            if let suspension = known.suspension { throw suspension }
            return (known.principal, known.credential, try await takeRate(of: known.principal))
        }
        var context = context
        context.principal = principal
        context.logger[metadataKey: "tenant"] = "\(principal.tenantName)"
        context.principal?.shadowedRate = standings.shadowed
        let headers = RateLimitHeaders.fields(for: standings, under: principal.policy)
        do {
            try credential.check(
                against: principal.claims, isSignedOnly: principal.policy.signedOnly, from: context.sourceAddress
            )
            var response = try await next(request, context)
            response.headers.append(contentsOf: headers)
            return response
        } catch {
            var problem = Problem(rescuing: error, of: request, context)
            // Somebody plays with a request that another has signed: its body, or its nonce.
            if problem.type.status == 401 { problem = failures.judged(problem, from: context.sourceAddress) }
            problem.headers.append(contentsOf: headers)
            throw problem
        }
    }

    private func takeRate(of principal: Principal) async throws(Problem) -> RateStandings {
        do {
            return try await ledger.takeRate(of: principal.tenant, subject: principal.claims.subject)
        } catch .denied(let denial) {
            var problem = Problem(denial)
            problem.headers = RateLimitHeaders.fields(refusedBy: denial, under: principal.policy)
            throw problem
        } catch {
            throw .ledgerUnavailable
        }
    }

    /// Whoever has shown a credential that holds.
    private struct KnownCaller {
        let principal: Principal
        let credential: Credential
        /// What it is told if it, or its key, is suspended.
        let suspension: Problem?
    }

    private func authenticate(_ request: Request, _ context: OpenContext) async throws(Problem) -> KnownCaller {
        let credential = try Credential(of: request, scheme: context.scheme)
        context.note.note(claimed: credential.claimedKeyID)
        let caller: Authenticated
        var shutOut: Authenticated?
        var suspension: Problem?
        do {
            caller =
                switch credential {
                case .bearer(let token): try ledger.authenticate(token) { shutOut = $0 }
                case .signature(let signed):
                    try ledger.authenticate(signed.signature, of: signed.head) { shutOut = $0 }
                }
        } catch {
            let problem = Problem(error, isSigned: credential.signed != nil)
            guard let known = shutOut else {
                context.note.note(error)
                throw problem
            }
            caller = known
            suspension = problem
        }
        // Before it costs the tenant anything: whoever replays what it has seen has no credential.
        try await credential.signed?.refuseReplay(in: ledger)
        let principal = Principal(
            tenant: caller.tenant, tenantName: caller.tenantName, claims: caller.claims, policy: caller.policy,
            signed: credential.signed
        )
        context.note.note(principal.claims, of: principal.tenant, named: principal.tenantName)
        if suspension != nil {
            // Why it is suspended is told to whoever may use the credential here.
            try credential.check(
                against: principal.claims, isSignedOnly: principal.policy.signedOnly, from: context.sourceAddress)
        }
        return KnownCaller(principal: principal, credential: credential, suspension: suspension)
    }
}

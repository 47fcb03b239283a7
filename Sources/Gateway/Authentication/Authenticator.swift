import Hummingbird
import Ledger
import Logging
import Quota

/// Establishes who is calling, then takes one request from the tenant's rate: every authenticated call pays, however
/// malformed what follows. The reply, refusal or not, tells the caller what is left.
struct Authenticator: RouterMiddleware {
    typealias Context = OpenContext

    let ledger: Ledger

    func handle(
        _ request: Request, context: OpenContext, next: (Request, OpenContext) async throws -> Response
    ) async throws -> Response {
        let principal = try authenticate(request)
        var context = context
        context.principal = principal
        context.logger[metadataKey: "tenant"] = "\(principal.tenant)"

        let standing: RateStanding
        do {
            standing = try ledger.takeRate(of: principal.tenant)
        } catch {
            var problem = Problem(error)
            problem.headers = RateLimitHeaders.fields(for: .exhausted(by: error), under: principal.policy.rate)
            throw problem
        }
        let headers = RateLimitHeaders.fields(for: standing, under: principal.policy.rate)
        do {
            var response = try await next(request, context)
            response.headers.append(contentsOf: headers)
            return response
        } catch {
            var problem = Problem(rescuing: error, of: request, context)
            problem.headers.append(contentsOf: headers)
            throw problem
        }
    }

    private func authenticate(_ request: Request) throws(Problem) -> Principal {
        let token = try Credential.token(in: request.headers)
        do {
            let authenticated = try ledger.authenticate(token)
            return Principal(
                tenant: authenticated.tenant, claims: authenticated.claims, policy: authenticated.policy
            )
        } catch {
            throw Problem(error)
        }
    }
}

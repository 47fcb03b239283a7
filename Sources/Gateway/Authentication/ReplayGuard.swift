import Hummingbird
import Ledger

/// Accepts a signed request once, with the body it was signed over. Executions do without: they read a body of their own
/// size, and their admission spends the nonce in its own commit.
struct ReplayGuard: RouterMiddleware {
    typealias Context = TenantContext

    let ledger: Ledger

    func handle(
        _ request: Request, context: TenantContext, next: (Request, TenantContext) async throws -> Response
    ) async throws -> Response {
        guard let signed = context.principal.signed else { return try await next(request, context) }
        let accepted = try await signed.accept(
            request, in: ledger, by: context.principal.claims, noting: context.note)
        return try await next(accepted, context)
    }
}

import Hummingbird
import Ledger

/// Accepts a signed request once. Executions do without: their admission spends the nonce in its own commit.
struct ReplayGuard: RouterMiddleware {
    typealias Context = TenantContext

    let ledger: Ledger

    func handle(
        _ request: Request, context: TenantContext, next: (Request, TenantContext) async throws -> Response
    ) async throws -> Response {
        try await context.principal.signed?.spendNonce(in: ledger)
        return try await next(request, context)
    }
}

import Auth
import Hummingbird
import Ledger
import Logging

/// Establishes which administrator is calling, by a token with admin scopes, presented or signed with.
struct AdminAuthenticator: RouterMiddleware {
    typealias Context = OpenContext

    let ledger: Ledger
    let failures: FailedAuthentications

    func handle(
        _ request: Request, context: OpenContext, next: (Request, OpenContext) async throws -> Response
    ) async throws -> Response {
        let administrator = try failures.watching(context.sourceAddress) { () throws(Problem) in
            try authenticate(request, context)
        }
        try await administrator.signed?.spendNonce(in: ledger)
        var context = context
        context.administrator = administrator
        context.logger[metadataKey: "administrator"] = "\(administrator.name)"
        return try await next(request, context)
    }

    private func authenticate(_ request: Request, _ context: OpenContext) throws(Problem) -> Administrator {
        let credential = try Credential(of: request, scheme: context.scheme)
        let caller: AdminPrincipal
        do {
            caller =
                switch credential {
                case .bearer(let token): try ledger.authenticateAdmin(token)
                case .signature(let signed): try ledger.authenticateAdmin(signed.signature, of: signed.head)
                }
        } catch {
            throw Problem(error, isSigned: credential.signed != nil)
        }
        try credential.check(against: caller.claims, isSignedOnly: false, from: context.sourceAddress)
        return Administrator(caller, signed: credential.signed)
    }
}

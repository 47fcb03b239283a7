import Auth
import Hummingbird
import Ledger
import Logging
import Quota

/// Establishes which administrator is calling, by a token with admin scopes, presented or signed with, or by the cookie of
/// a browser that is signed in to the console.
struct AdminAuthenticator: RouterMiddleware {
    typealias Context = OpenContext

    static let rate = Rate(permits: 200, periodSeconds: 1, burst: 1000)

    let ledger: Ledger
    let failures: FailedAuthentications
    /// How often each admin token may call.
    private let rates = RateTable(rate)

    init(ledger: Ledger, failures: FailedAuthentications) {
        self.ledger = ledger
        self.failures = failures
    }

    func handle(
        _ request: Request, context: OpenContext, next: (Request, OpenContext) async throws -> Response
    ) async throws -> Response {
        let (token, credential) = try await failures.watching(context.sourceAddress) { () throws(Problem) in
            try await authenticate(request, context)
        }
        var context = context
        let administrator = Administrator(
            token, requestID: context.requestID, sourceAddress: context.sourceAddress, trace: context.trace)
        context.logger[metadataKey: "administrator"] = "\(administrator.actor.name)"
        context.note.note(administrator, keyID: token.keyID)
        do {
            try rates.take("\(token.keyID)")
        } catch {
            throw Problem(error)
        }
        try credential?.check(against: token.claims, isSignedOnly: false, from: context.sourceAddress)
        context.administrator = administrator
        guard let signed = credential?.signed else { return try await next(request, context) }
        do {
            let accepted = try await signed.accept(request, in: ledger, by: token.claims, noting: context.note)
            return try await next(accepted, context)
        } catch let problem as Problem where problem.type.status == 401 {
            throw failures.judged(problem, from: context.sourceAddress)
        }
    }

    /// - Returns: who, and the credential unless it is a cookie, which counts for nothing beside one.
    private func authenticate(
        _ request: Request, _ context: OpenContext
    ) async throws(Problem) -> (AdminPrincipal, Credential?) {
        if SessionCookie.isPresent(in: request), !Credential.isPresent(in: request) {
            return (try await SessionDoor(ledger: ledger).session(request, context).session.principal, nil)
        }
        let credential = try Credential(of: request, scheme: context.scheme)
        context.note.note(claimed: credential.claimedKeyID)
        let token: AdminPrincipal
        do {
            token =
                switch credential {
                case .bearer(let token): try ledger.authenticateAdmin(token)
                case .signature(let signed): try ledger.authenticateAdmin(signed.signature, of: signed.head)
                }
        } catch {
            context.note.note(error)
            throw Problem(error, isSigned: credential.signed != nil)
        }
        try await credential.signed?.refuseReplay(in: ledger)
        return (token, credential)
    }
}

/// On the control socket nobody is asked for a credential: whoever can open it owns the ledger's files.
struct LocalAuthenticator: RouterMiddleware {
    typealias Context = OpenContext

    func handle(
        _ request: Request, context: OpenContext, next: (Request, OpenContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        let administrator = Administrator.local(
            await PeerUser.name(on: context.channel), requestID: context.requestID, trace: context.trace
        )
        context.administrator = administrator
        context.note.note(administrator)
        return try await next(request, context)
    }
}

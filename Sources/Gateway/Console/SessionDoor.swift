import Auth
import Hummingbird
import Ledger

/// Establishes who is calling by the console's cookie.
struct SessionDoor: Sendable {
    let ledger: Ledger

    /// Who is signed in, judged anew at each request.
    ///
    /// - Parameter isLeaving: whether to sign out is all that is asked for: that can be done from anywhere.
    func session(
        _ request: Request, _ context: OpenContext, isLeaving: Bool = false
    ) async throws(Problem) -> (id: ConsoleSessionID, session: ConsoleSession) {
        guard let id = SessionCookie.session(in: request) else { throw .sessionOver }
        let session: ConsoleSession
        do {
            // What a page asks for while nobody touches it says so.
            session = try await ledger.consoleSession(id, isAttended: request.headers[.consoleBackground] == nil)
        } catch {
            context.note.note(error)
            if case .unavailable = error { throw .ledgerUnavailable }
            throw .sessionOver
        }
        context.note.note(claimed: session.principal.keyID)
        try OwnPage.check(request, of: id)
        guard isLeaving || session.principal.claims.allows(source: context.sourceAddress) else {
            throw Problem(
                .insufficientScope, "The token of this session may not be used from this address.", shouldRetry: false)
        }
        return (id, session)
    }
}

extension Problem {
    static let sessionOver = Problem(
        .sessionOver, "The session is over, or its token was revoked. Sign in again.", shouldRetry: false)
}

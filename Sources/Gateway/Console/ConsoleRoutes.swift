import Auth
import HTTPTypes
import Hummingbird
import Ledger

/// `/console`: the pages, and who is signed in to them. On the administrators' listener only.
struct ConsoleRoutes: Sendable {
    let ledger: Ledger
    let failures: FailedAuthentications

    private static let maximumBodyBytes = 16 * 1024

    func add(to router: Router<OpenContext>) {
        router
            .on(.getConsole, use: page)
            .on(.getConsoleFile, use: file)
            .on(.openConsoleSession, use: signIn)
            .on(.getConsoleSession, use: session)
            .on(.closeConsoleSession, use: signOut)
    }

    /// The same for every place in the console: which it is stands behind the `#`, and is not sent.
    func page(_ request: Request, context: OpenContext) async throws -> Response {
        ConsoleFile.page.response(to: request, isNamedByContent: false)
    }

    /// Of another version, as a page has it that another gateway served, there is this one's, not to be kept.
    func file(_ request: Request, context: OpenContext) async throws -> Response {
        let version = try context.parameters.require("version"), name = try context.parameters.require("file")
        guard let file = ConsoleFile.all[name] else {
            throw Problem(.notFound, "The console has no such file.", shouldRetry: false)
        }
        return file.response(to: request, isNamedByContent: version == ConsoleFile.version)
    }

    /// Takes an admin token and gives the browser a cookie in its place.
    func signIn(_ request: Request, context: OpenContext) async throws -> Response {
        let (principal, actor) = try await failures.watching(context.sourceAddress) { () throws(Problem) in
            try await authenticate(request, context)
        }
        let id = try await ledger.openConsoleSession(of: principal, by: actor).id
        return reply(cookie: SessionCookie.field(setting: id))
    }

    /// Who is signed in, or 204 if nobody is.
    func session(_ request: Request, context: OpenContext) async throws -> Response {
        guard SessionCookie.isPresent(in: request) else { return reply() }
        let (id, session) = try await opened(request, context)
        var response = JSONReply.response(ConsoleSessionView(session, csrfToken: id.csrfToken))
        response.headers.append(contentsOf: ConsoleHeaders.all)
        response.headers[.cacheControl] = "no-store"
        return response
    }

    func signOut(_ request: Request, context: OpenContext) async throws -> Response {
        let (id, session) = try await opened(request, context, isLeaving: true)
        try await ledger.closeConsoleSession(id, by: actor(session.principal, context))
        return reply(cookie: SessionCookie.removal)
    }

    private func opened(
        _ request: Request, _ context: OpenContext, isLeaving: Bool = false
    ) async throws -> (id: ConsoleSessionID, session: ConsoleSession) {
        do throws(Problem) {
            let opened = try await failures.watching(context.sourceAddress) { () throws(Problem) in
                try await SessionDoor(ledger: ledger).session(request, context, isLeaving: isLeaving)
            }
            note(opened.session.principal, context)
            return opened
        } catch {
            var problem = error
            if problem.type == .sessionOver { problem.headers[.setCookie] = SessionCookie.removal }
            throw problem
        }
    }

    private func authenticate(
        _ request: Request, _ context: OpenContext
    ) async throws(Problem) -> (AdminPrincipal, Actor) {
        try OwnPage.check(request)
        let token = try await presentedToken(request, context)
        context.note.note(claimed: token.keyID)
        let principal: AdminPrincipal
        do {
            principal = try ledger.authenticateAdmin(token)
        } catch {
            context.note.note(error)
            throw Problem(error, isSigned: false)
        }
        note(principal, context)
        try Credential.bearer(token).check(
            against: principal.claims, isSignedOnly: false, from: context.sourceAddress)
        return (principal, actor(principal, context))
    }

    private func presentedToken(_ request: Request, _ context: OpenContext) async throws(Problem) -> Token {
        struct Body: Decodable { let token: String }
        do {
            let body = try await AdminRoutes.decode(
                Body.self, fields: ["token"], request, upTo: Self.maximumBodyBytes, noting: context.note)
            let text = String(Substring(body.token).trimming(" \t\r\n"))
            guard let token = try? Token(parsing: text) else { throw Problem.invalidToken }
            return token
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(.invalidRequest, "The body cannot be read.", shouldRetry: false)
        }
    }

    private func note(_ principal: AdminPrincipal, _ context: OpenContext) {
        context.note.note(administrator(principal, context), keyID: principal.keyID)
    }

    private func actor(_ principal: AdminPrincipal, _ context: OpenContext) -> Actor {
        administrator(principal, context).actor
    }

    private func administrator(_ principal: AdminPrincipal, _ context: OpenContext) -> Administrator {
        Administrator(
            principal, requestID: context.requestID, sourceAddress: context.sourceAddress, trace: context.trace)
    }

    private func reply(cookie: String? = nil) -> Response {
        var headers = ConsoleHeaders.all
        headers[.cacheControl] = "no-store"
        if let cookie { headers[.setCookie] = cookie }
        return Response(status: .noContent, headers: headers)
    }
}

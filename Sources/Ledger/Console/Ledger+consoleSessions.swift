import Auth
import Quota

extension Ledger {
    /// Signs an administrator in to the console, on disk and in the audit log when this returns.
    ///
    /// - Parameters:
    ///   - principal: what the token that was shown has proved; the session ends with it.
    ///   - actor: the same administrator, for the audit log.
    /// - Throws: ``LedgerFailure/actorRefused`` if the key is revoked meanwhile, ``LedgerFailure/unavailable(_:)``.
    public func openConsoleSession(
        of principal: AdminPrincipal, by actor: Actor
    ) async throws(LedgerFailure) -> (id: ConsoleSessionID, session: ConsoleSession) {
        let key = consoleSessionKey
        let id = ConsoleSessionID.random(under: key)
        let session = try await commits.submit { draft in
            var entry = try draft.entry(.consoleSignedIn, by: actor)
            entry.keyID = "\(principal.keyID)"
            let lifetime = draft.now + ConsoleSession.lifetime
            let ending = principal.claims.notAfter.map { draft.now + (Moment(seconds: $0 + 1) - draft.wall) }
            let session = ConsoleSession(
                principal: principal, openedAt: draft.now, expiresAt: min(lifetime, ending ?? lifetime),
                usedAt: draft.now)
            try ConsoleSessionStore.makeRoom(
                for: principal.keyID, keeping: ConsoleSession.maximumPerKey - 1, in: &draft)
            try ConsoleSessionStore.insert(session, as: id, under: key, in: &draft)
            try draft.audit(entry)
            return session
        }
        return (id, session)
    }

    /// Who is signed in with this, judged anew: by the clock, and by whether the key still opens the door. A key that was
    /// revoked, here or at another gateway, ends its sessions at once.
    ///
    /// - Parameter isAttended: whether somebody sits before it; what a page asks by itself keeps nobody signed in.
    /// - Throws: ``AuthenticationFailure/unknownKey`` for none, ``AuthenticationFailure/refused(_:)`` with
    ///   `expired` for one that is over, ``AuthenticationFailure/revokedKey``, ``AuthenticationFailure/unavailable(_:)``.
    public func consoleSession(
        _ id: ConsoleSessionID, isAttended: Bool
    ) async throws(AuthenticationFailure) -> ConsoleSession {
        try checkKeysAreKnown()
        let sessionKey = consoleSessionKey
        guard id.isMade(under: sessionKey) else { throw .unknownKey }
        let found: ConsoleSession?
        do {
            found = try await glance { [books] database in
                try ConsoleSessionStore.session(
                    id, under: sessionKey, named: { key in books.withLock { $0.adminKeys[key]?.record.name } },
                    in: database)
            }
        } catch {
            throw .unavailable(error.reason)
        }
        guard var session = found else { throw .unknownKey }
        let (now, wall) = (clock.now(), clock.wall())
        let isOver = now >= session.idleUntil || session.principal.claims.notAfter.map { wall.seconds > $0 } ?? false
        guard !isOver else { throw .refused(.expired) }
        let isLive = books.withLock { books in
            guard books.adminKeys[session.principal.keyID]?.record.state == .active else { return false }
            books.count(session.principal.keyID, at: now)
            return true
        }
        guard isLive else { throw .revokedKey }
        if isAttended, now - session.usedAt >= ConsoleSession.grain {
            // In vain only while the ledger is down; then nothing else is written either.
            try? await commits.submit(.own) { draft in try ConsoleSessionStore.note(use: id, in: &draft) }
            session.usedAt = now
        }
        return session
    }

    /// Signs out. Of what is over already there is nothing to be said.
    public func closeConsoleSession(_ id: ConsoleSessionID, by actor: Actor) async throws(LedgerFailure) {
        try await commits.submit(.own) { draft in
            let entry = try draft.entry(.consoleSignedOut, by: actor)
            try ConsoleSessionStore.remove(id, in: &draft)
            try draft.audit(entry)
        }
    }

    var consoleSessionKey: ConsoleSessionKey { ConsoleSessionKey(ownKeys.consoleSessions) }

    /// Removes the rows of sessions that are over. A failure only leaves them there.
    func forgetConsoleSessions() async {
        let now = clock.now()
        guard (try? await read { try ConsoleSessionStore.hasOver(at: now, in: $0) }) == true else { return }
        try? await commits.submit(.own) { draft in try ConsoleSessionStore.removeOver(in: &draft) }
    }
}

import Auth
import Quota

/// The rows of sessions: by the hash of what the browser holds, with the claims that were proven when it signed in, sealed.
enum ConsoleSessionStore {
    static func insert(
        _ session: ConsoleSession, as id: ConsoleSessionID, under key: ConsoleSessionKey, in draft: inout Draft
    ) throws {
        try draft.execute(
            """
            INSERT INTO console_session (digest, key, claims, opened_at, used_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)
            """,
            [
                id.digest, "\(session.principal.keyID)", try key.seal(session, as: id),
                session.openedAt.nanoseconds, session.usedAt.nanoseconds, session.expiresAt.nanoseconds,
            ])
    }

    /// - Parameter name: who holds a key; nil if that is unknown, or opens nothing any more.
    /// - Returns: nil as well for a row that this ledger did not write.
    static func session(
        _ id: ConsoleSessionID, under key: ConsoleSessionKey, named name: (KeyID) -> String?,
        in database: any SQLConnection
    ) throws -> ConsoleSession? {
        let sql = "SELECT claims, used_at FROM console_session WHERE digest = ?"
        guard let row = try database.row(sql, [id.digest]), let proven = try key.open(row["claims"], as: id),
            let name = name(proven.claims.keyID)
        else { return nil }
        return ConsoleSession(
            principal: AdminPrincipal(name: name, claims: proven.claims), openedAt: proven.openedAt,
            expiresAt: proven.expiresAt, usedAt: Moment(nanoseconds: row["used_at"]))
    }

    static func note(use id: ConsoleSessionID, in draft: inout Draft) throws {
        try draft.execute(
            "UPDATE console_session SET used_at = ?1 WHERE digest = ?2 AND used_at < ?1",
            [draft.now.nanoseconds, id.digest])
    }

    static func remove(_ id: ConsoleSessionID, in draft: inout Draft) throws {
        try draft.execute("DELETE FROM console_session WHERE digest = ?", [id.digest])
    }

    /// Removes what is over, and of a key's the longest unused beyond `count`.
    static func makeRoom(for key: KeyID, keeping count: Int, in draft: inout Draft) throws {
        try removeOver(in: &draft)
        try draft.execute(
            """
            DELETE FROM console_session WHERE key = ?1 AND digest NOT IN (
                SELECT digest FROM console_session WHERE key = ?1 ORDER BY used_at DESC, digest LIMIT ?2
            )
            """, ["\(key)", count])
    }

    static func removeOver(in draft: inout Draft) throws {
        try draft.execute(
            "DELETE FROM console_session WHERE expires_at <= ? OR used_at <= ?",
            [draft.now.nanoseconds, (draft.now - ConsoleSession.idleTime).nanoseconds])
    }

    static func removeAll(in draft: inout Draft) throws { try draft.execute("DELETE FROM console_session", []) }

    /// Whether there are rows of what is over.
    static func hasOver(at now: Moment, in database: any SQLConnection) throws -> Bool {
        try database.value(
            Int64.self, "SELECT CAST(1 AS BIGINT) FROM console_session WHERE expires_at <= ? OR used_at <= ? LIMIT 1",
            [now.nanoseconds, (now - ConsoleSession.idleTime).nanoseconds]) != nil
    }
}

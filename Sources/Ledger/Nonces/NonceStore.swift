import Auth
import FoundationEssentials
import Quota

/// Which nonces were used, on disk, with how many there are of each key.
enum NonceStore {
    enum Verdict {
        case accepted, replayed, late, full
    }

    /// How many nonces whose time is over go at once when there is no room, or in the background; bounds how long the writer
    /// is busy with it.
    static let forgottenAtOnce = 10_000

    /// Accepts a nonce if it is new and there is room, in the commit that is being written.
    static func accept(
        _ nonce: PresentedNonce, of key: KeyID, within limits: NonceLimits, in draft: inout Draft
    ) throws -> Verdict {
        // Once its time is over it may have been forgotten already.
        guard nonce.until > draft.wall else { return .late }
        // By the ledger's own clock, which may be apart from the one that signatures live by.
        let until = draft.now + (nonce.until - draft.wall)
        var standing = try Standing(of: key, in: draft.database)
        // Its time was over before, and the wall clock was set back since.
        guard nonce.until > standing.forgottenUntil else { return .late }
        let digest = digest(nonce.text)
        if let known = try end(of: digest, of: key, in: draft.database) {
            guard known.isOver(at: draft.now, wall: draft.wall) else { return .replayed }
            try draft.execute(
                "UPDATE nonce SET expires_at = ?, until = ? WHERE key = ? AND digest = ?",
                [until.nanoseconds, nonce.until.nanoseconds, "\(key)", digest]
            )
            return .accepted
        }
        if standing.remembered >= limits.perKey || draft.nonces >= limits.total {
            standing.remembered -= try forget(upTo: forgottenAtOnce, of: key, in: &draft)
            guard standing.remembered < limits.perKey, draft.nonces < limits.total else { return .full }
        }
        try draft.execute(
            "INSERT INTO nonce (key, digest, expires_at, until) VALUES (?, ?, ?, ?)",
            ["\(key)", digest, until.nanoseconds, nonce.until.nanoseconds]
        )
        try draft.execute(
            """
            INSERT INTO nonce_key (key, remembered) VALUES (?, 1)
            ON CONFLICT (key) DO UPDATE SET remembered = nonce_key.remembered + 1
            """, ["\(key)"])
        draft.changes.nonces += 1
        return .accepted
    }

    /// What is remembered of a key's nonces as a whole.
    private struct Standing {
        /// How many there are.
        var remembered: Int
        /// Up to which end, by the wall clock, they may have been forgotten. Behind the wall clock, unless that was set back
        /// since.
        let forgottenUntil: Moment

        init(of key: KeyID, in database: any SQLConnection) throws {
            let sql = "SELECT remembered, forgotten_until FROM nonce_key WHERE key = ?"
            let row = try database.row(sql, ["\(key)"])
            remembered = row?["remembered"] ?? 0
            forgottenUntil = row.flatMap { Accounts.moment($0, "forgotten_until") } ?? Moment(nanoseconds: .min)
        }
    }

    static func isUsed(
        _ nonce: PresentedNonce, of key: KeyID, at now: Moment, wall: Moment, in database: any SQLConnection
    ) throws -> Bool {
        try end(of: digest(nonce.text), of: key, in: database).map { !$0.isOver(at: now, wall: wall) } ?? false
    }

    /// When the time of a nonce that was used is over, by either clock.
    private struct End {
        let ledger: Int64
        let wall: Int64

        func isOver(at now: Moment, wall: Moment) -> Bool {
            ledger <= now.nanoseconds && self.wall <= wall.nanoseconds
        }
    }

    private static func end(of digest: [UInt8], of key: KeyID, in database: any SQLConnection) throws -> End? {
        let sql = "SELECT expires_at, until FROM nonce WHERE key = ? AND digest = ?"
        let row = try database.row(sql, ["\(key)", digest])
        return row.map { End(ledger: $0["expires_at"], wall: $0["until"]) }
    }

    /// Keys with nonces whose time is over.
    static func keysWithOver(by now: Moment, upTo count: Int, in database: any SQLConnection) throws -> [KeyID] {
        let sql = "SELECT DISTINCT key FROM nonce WHERE expires_at <= ? LIMIT ?"
        return try database.values(String.self, sql, [now.nanoseconds, count]).compactMap { KeyID($0) }
    }

    /// Forgets nonces of a key whose time is over, the longest first.
    ///
    /// - Returns: how many.
    @discardableResult
    static func forget(upTo count: Int, of key: KeyID, in draft: inout Draft) throws -> Int {
        let sql = """
            DELETE FROM nonce WHERE key = ?1 AND digest IN (
                SELECT digest FROM nonce WHERE key = ?1 AND expires_at <= ?2 ORDER BY expires_at LIMIT ?3
            ) RETURNING until
            """
        let ends = try draft.database.values(Int64.self, sql, ["\(key)", draft.now.nanoseconds, count])
        guard let end = ends.max() else { return 0 }
        try draft.execute(
            """
            UPDATE nonce_key SET remembered = remembered - ?2,
                forgotten_until = CASE WHEN forgotten_until > ?3 THEN forgotten_until ELSE ?3 END
            WHERE key = ?1
            """, ["\(key)", ends.count, end])
        draft.changes.nonces -= ends.count
        return ends.count
    }

    /// How many nonces are remembered.
    static func count(in database: any SQLConnection) throws -> Int {
        try database.value(Int64.self, "SELECT CAST(coalesce(sum(remembered), 0) AS BIGINT) FROM nonce_key").map(
            Int.init)
            ?? 0
    }

    /// What is kept of a nonce: nobody can find two with the same 16 bytes, and all take the same room.
    private static func digest(_ nonce: String) -> [UInt8] {
        Array(Digest.sha256(Array(nonce.utf8)).prefix(16))
    }
}

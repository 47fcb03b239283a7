import Auth
import FoundationEssentials
import Quota

/// Which nonces were used, on disk, with how many there are of each key in the books.
enum NonceStore {
    enum Verdict {
        case accepted, replayed, late, full
    }

    /// How many nonces whose time is over go with each one that comes: more than one, so that they get fewer.
    private static let forgottenEachTime = 8
    /// How many go at once when there is no room, or in the background; bounds how long the writer is busy with it.
    static let forgottenAtOnce = 10_000

    /// Accepts a nonce if it is new and there is room, in the commit that is being written.
    static func accept(
        _ nonce: PresentedNonce, of key: KeyID, within limits: NonceLimits, in draft: inout Draft
    ) throws -> Verdict {
        // Once its time is over it may have been forgotten already.
        guard nonce.until > draft.wall else { return .late }
        // By the ledger's own clock, which may be apart from the one that signatures live by.
        let until = draft.now + (nonce.until - draft.wall)
        try forget(upTo: forgottenEachTime, in: &draft)
        // Its time was over before, and the wall clock was set back since.
        guard try nonce.until > forgotten(of: key, in: draft.database) else { return .late }
        let digest = digest(nonce.text)
        if let known = try end(of: digest, of: key, in: draft.database) {
            guard known.isOver(at: draft.now, wall: draft.wall) else { return .replayed }
            try draft.execute(
                "UPDATE nonce SET expires_at = ?, until = ? WHERE key = ? AND digest = ?",
                [until.nanoseconds, nonce.until.nanoseconds, "\(key)", digest]
            )
            return .accepted
        }
        if !draft.hasRoomForNonce(of: key, within: limits) {
            try forget(upTo: forgottenAtOnce, in: &draft)
            guard draft.hasRoomForNonce(of: key, within: limits) else { return .full }
        }
        try draft.execute(
            "INSERT INTO nonce (key, digest, expires_at, until) VALUES (?, ?, ?, ?)",
            ["\(key)", digest, until.nanoseconds, nonce.until.nanoseconds]
        )
        draft.changes.nonces[key, default: 0] += 1
        return .accepted
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

    /// Forgets nonces whose time is over, the longest first.
    static func forget(upTo count: Int, in draft: inout Draft) throws {
        let sql = """
            DELETE FROM nonce WHERE (key, digest) IN (
                SELECT key, digest FROM nonce WHERE expires_at <= ? ORDER BY expires_at LIMIT ?
            ) RETURNING key, until
            """
        let rows = try draft.database.rows(sql, [draft.now.nanoseconds, count])
        var ends: [String: Int64] = [:]
        for row in rows {
            let key: String = row["key"]
            ends[key] = max(ends[key] ?? .min, row["until"])
            if let key = KeyID(key) { draft.changes.nonces[key, default: 0] -= 1 }
        }
        for (key, end) in ends {
            try draft.execute(
                """
                INSERT INTO forgotten_nonce (key, until) VALUES (?, ?)
                ON CONFLICT (key) DO UPDATE
                SET until = CASE WHEN excluded.until > forgotten_nonce.until
                    THEN excluded.until ELSE forgotten_nonce.until END
                """,
                [key, end]
            )
        }
    }

    /// Up to which end, by the wall clock, a key's nonces may have been forgotten. Behind the wall clock, unless that was
    /// set back since.
    private static func forgotten(of key: KeyID, in database: any SQLConnection) throws -> Moment {
        let sql = "SELECT until FROM forgotten_nonce WHERE key = ?"
        let end = try database.value(Int64.self, sql, ["\(key)"])
        return Moment(nanoseconds: end ?? .min)
    }

    /// How many nonces of each key are remembered.
    static func tally(in database: any SQLConnection) throws -> NonceTally {
        var tally = NonceTally()
        let rows = try database.cursor("SELECT key, count(*) AS nonces FROM nonce GROUP BY key")
        while let row = try rows.next() {
            guard let key = KeyID(row["key"] as String) else { continue }
            tally.add(row["nonces"], of: key)
        }
        return tally
    }

    /// What is kept of a nonce: nobody can find two with the same 16 bytes, and all take the same room.
    private static func digest(_ nonce: String) -> [UInt8] {
        Array(Digest.sha256(Array(nonce.utf8)).prefix(16))
    }
}

/// How many nonces are remembered.
struct NonceTally: Sendable, Hashable {
    private(set) var total = 0
    private(set) var perKey: [KeyID: Int] = [:]

    mutating func add(_ count: Int, of key: KeyID) {
        total += count
        let left = (perKey[key] ?? 0) + count
        perKey[key] = left == 0 ? nil : left
    }
}

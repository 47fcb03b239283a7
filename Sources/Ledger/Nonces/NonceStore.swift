import Auth
import FoundationEssentials
import GRDB
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
        let digest = digest(nonce.text)
        if let known = try end(of: digest, of: key, in: draft.database) {
            guard known <= draft.now.nanoseconds else { return .replayed }
            try draft.execute(
                "UPDATE nonce SET expires_at = ? WHERE key = ? AND digest = ?",
                [until.nanoseconds, "\(key)", Blob.value(digest)]
            )
            return .accepted
        }
        if !draft.hasRoomForNonce(of: key, within: limits) {
            try forget(upTo: forgottenAtOnce, in: &draft)
            guard draft.hasRoomForNonce(of: key, within: limits) else { return .full }
        }
        try draft.execute(
            "INSERT INTO nonce (key, digest, expires_at) VALUES (?, ?, ?)",
            ["\(key)", Blob.value(digest), until.nanoseconds]
        )
        draft.changes.nonces[key, default: 0] += 1
        return .accepted
    }

    static func isUsed(_ nonce: PresentedNonce, of key: KeyID, at now: Moment, in database: Database) throws -> Bool {
        try end(of: digest(nonce.text), of: key, in: database).map { $0 > now.nanoseconds } ?? false
    }

    /// Until when a nonce that was used is remembered.
    private static func end(of digest: [UInt8], of key: KeyID, in database: Database) throws -> Int64? {
        let sql = "SELECT expires_at FROM nonce WHERE key = ? AND digest = ?"
        return try Int64.fetchOne(
            database.cachedStatement(sql: sql), arguments: ["\(key)", Blob.value(digest)])
    }

    /// Forgets nonces whose time is over, the longest first.
    static func forget(upTo count: Int, in draft: inout Draft) throws {
        let sql = """
            DELETE FROM nonce WHERE (key, digest) IN (
                SELECT key, digest FROM nonce WHERE expires_at <= ? ORDER BY expires_at LIMIT ?
            ) RETURNING key
            """
        let keys = try String.fetchAll(
            draft.database.cachedStatement(sql: sql), arguments: [draft.now.nanoseconds, count])
        for key in keys.compactMap({ KeyID($0) }) { draft.changes.nonces[key, default: 0] -= 1 }
    }

    /// How many nonces of each key are remembered.
    static func tally(in database: Database) throws -> NonceTally {
        var tally = NonceTally()
        let rows = try Row.fetchCursor(database, sql: "SELECT key, count(*) AS nonces FROM nonce GROUP BY key")
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

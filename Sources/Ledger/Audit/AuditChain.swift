import Auth
import Quota

/// The end of the chain, from which the next record goes on.
struct AuditHead: Sendable, Hashable {
    /// The last record's number; 0 before the first.
    var sequence: Int64
    /// The last record's hash; 32 zero bytes before the first.
    var hash: [UInt8]

    static let start = AuditHead(sequence: 0, hash: [UInt8](repeating: 0, count: 32))
}

/// How records are chained: `hashₙ = SHA-256(hashₙ₋₁ ‖ recordₙ)`, the record being its canonical text.
enum AuditChain {
    /// An embedded ledger has one writer and so one stream.
    static let stream = "main"

    static func hash(after previous: [UInt8], record: String) -> [UInt8] {
        Digest.sha256(previous + Array(record.utf8))
    }

    /// The canonical text of an entry at its place in the chain.
    static func record(_ entry: AuditEntry, sequence: Int64, at now: Moment) -> String {
        CanonicalJSON.text(
            of: entry.members,
            and: [
                ("at_ms", .integer(now.milliseconds)), ("sequence", .integer(sequence)), ("stream", .string(stream)),
                ("v", .integer(1)),
            ])
    }

    /// Appends to the chain; `head` moves on with the row.
    ///
    /// - Parameter handle: the tenant's, by which the record is found whatever the tenant is called then and later.
    static func append(
        _ entry: AuditEntry, of handle: String? = nil, to head: inout AuditHead, at now: Moment,
        in database: any SQLConnection
    ) throws {
        let sequence = head.sequence + 1
        let record = record(entry, sequence: sequence, at: now)
        let hash = hash(after: head.hash, record: record)
        try database.execute(
            "INSERT INTO audit (sequence, hash, record, tenant, execution) VALUES (?, ?, ?, ?, ?)",
            [sequence, hash, record, handle, entry.execution ?? entry.sandboxHandle])
        head = AuditHead(sequence: sequence, hash: hash)
    }

    static func readHead(from database: any SQLConnection) throws -> (head: AuditHead, committedAt: Moment)? {
        let sql = "SELECT sequence, hash, committed_at FROM chain WHERE stream = ?"
        return try database.row(sql, [stream]).map { row in
            (
                AuditHead(sequence: row["sequence"], hash: row["hash"]),
                Moment(nanoseconds: row["committed_at"])
            )
        }
    }

    static func store(_ head: AuditHead, at now: Moment, in database: any SQLConnection) throws {
        try database.execute(
            """
            INSERT INTO chain (stream, sequence, hash, committed_at) VALUES (?, ?, ?, ?)
            ON CONFLICT (stream) DO UPDATE
            SET sequence = excluded.sequence, hash = excluded.hash, committed_at = excluded.committed_at
            """, [stream, head.sequence, head.hash, now.nanoseconds])
    }
}

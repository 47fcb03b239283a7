import Auth
import Quota

/// The rows of checkpoints.
enum CheckpointStore {
    /// A row as a verifier finds it.
    enum Readable {
        case signed(SignedCheckpoint)
        /// It is no checkpoint; its number.
        case damaged(Int64)
    }

    /// The checkpoints in order, each when the record that it names has been read.
    struct Cursor {
        private let rows: (any SQLCursor)?
        private var waiting: SQLRow?

        init(_ database: any SQLConnection) throws {
            // Ledgers of earlier versions, which may be checked as they are, have none.
            guard try database.hasTable("checkpoint") else {
                rows = nil
                return
            }
            rows = try database.cursor("SELECT number, sequence, document, signature FROM checkpoint ORDER BY number")
            waiting = try rows?.next()
        }

        /// Those that name records before this one.
        mutating func next(before sequence: Int64) throws -> [Readable] {
            try take { $0 < sequence }
        }

        /// Those that are left.
        mutating func rest() throws -> [Readable] { try take { _ in true } }

        private mutating func take(while isDue: (Int64) -> Bool) throws -> [Readable] {
            var due: [Readable] = []
            while let row = waiting, isDue(row["sequence"] as Int64) {
                due.append((try? Stored(row: row)).map { .signed($0.signed) } ?? .damaged(row["number"]))
                waiting = try rows?.next()
            }
            return due
        }
    }

    /// A checkpoint and the record that its head of this ledger's own stream names.
    struct Stored: Sendable {
        let number: Int64
        let sequence: Int64
        let signed: SignedCheckpoint

        init(row: SQLRow) throws {
            number = row["number"]
            sequence = row["sequence"]
            do {
                signed = SignedCheckpoint(
                    checkpoint: try Checkpoint(canonical: row["document"]), signature: row["signature"])
            } catch {
                throw LedgerFailure.damaged("checkpoint/\(number)")
            }
        }
    }

    /// Those behind the one of number `last` that name records up to `sequence`, in order; those that are damaged are
    /// passed over.
    static func checkpoints(
        after last: Int64, upTo sequence: Int64 = .max, limit: Int, in database: any SQLConnection
    ) throws -> [Stored] {
        let rows = try database.cursor(
            "SELECT number, sequence, document, signature FROM checkpoint WHERE number > ? ORDER BY number", [last])
        var checkpoints: [Stored] = []
        while checkpoints.count < limit, let row = try rows.next(), (row["sequence"] as Int64) <= sequence {
            if let stored = try? Stored(row: row) { checkpoints.append(stored) }
        }
        return checkpoints
    }

    /// The last one, whether its document can be read or not.
    struct Last {
        let number: Int64
        let sequence: Int64
        let document: String

        /// When it was made, if it says so.
        var at: Moment? { try? Checkpoint(canonical: document).at }
    }

    static func last(in database: any SQLConnection) throws -> Last? {
        let sql = "SELECT number, sequence, document FROM checkpoint ORDER BY number DESC LIMIT 1"
        return try database.row(sql).map {
            Last(number: $0["number"], sequence: $0["sequence"], document: $0["document"])
        }
    }

    /// Signs where the chain is in the commit that is being written.
    static func make(signedBy key: SigningKey, in draft: Draft) throws -> SignedCheckpoint {
        let last = try last(in: draft.database)
        let head = try draft.chainEnd
        let checkpoint = Checkpoint(
            number: (last?.number ?? 0) + 1, at: draft.now,
            heads: [Checkpoint.Head(stream: AuditChain.stream, sequence: head.sequence, hash: head.hash)],
            previous: last.map { Digest.sha256(Array($0.document.utf8)) } ?? Checkpoint.noPrevious,
            keyID: key.publicKey.keyID
        )
        let signed = checkpoint.signed(with: key)
        try draft.execute(
            "INSERT INTO checkpoint (number, sequence, document, signature) VALUES (?, ?, ?, ?)",
            [checkpoint.number, head.sequence, checkpoint.canonical, signed.signature]
        )
        return signed
    }
}

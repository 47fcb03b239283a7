/// Where the chain begins as far as it is kept: behind the last record that was removed.
struct AuditBase: Sendable {
    /// The last record that was removed; number 0 while the chain is whole.
    var head: AuditHead
    /// The record that vouches for the cut.
    var cutBy: Int64?

    static func read(from database: any SQLConnection) throws -> AuditBase {
        // Ledgers of earlier versions, which may be checked as they are, know of no cuts.
        guard try database.hasTable("checkpoint") else { return AuditBase(head: .start, cutBy: nil) }
        let sql = "SELECT base_sequence, base_hash, cut_by FROM chain WHERE stream = ?"
        guard let row = try database.row(sql, [AuditChain.stream]) else {
            return AuditBase(head: .start, cutBy: nil)
        }
        // Whatever somebody wrote there, it is no more than a beginning that does not fit.
        let (sequence, hash): (Int64, [UInt8]) = (row["base_sequence"], row["base_hash"])
        let head = AuditHead(
            sequence: min(max(sequence, 0), .max - 1), hash: hash.count == 32 ? hash : AuditHead.start.hash)
        return AuditBase(head: head, cutBy: row["cut_by"])
    }

    /// The cut that was announced last, if the record that vouches for it can be read.
    func announcedCut(in database: any SQLConnection) throws -> AuditCut? {
        guard let cutBy else { return nil }
        let sql = "SELECT record FROM audit WHERE sequence = ?"
        return try database.value(String.self, sql, [cutBy])
            .flatMap { try? Document.value(AuditEntry.self, from: $0) }.flatMap(AuditCut.init)
    }

    func store(in draft: Draft) throws {
        try draft.execute(
            "UPDATE chain SET base_sequence = ?, base_hash = ?, cut_by = ? WHERE stream = ?",
            [head.sequence, head.hash, cutBy, AuditChain.stream]
        )
    }
}

/// A cut of the chain as the record that vouches for it tells it.
struct AuditCut: Sendable, Hashable {
    /// The oldest record that is left.
    let first: Int64
    /// The hash of the one before it, in hex.
    let previous: String

    init(first: Int64, previous: String) {
        self.first = first
        self.previous = previous
    }

    var document: CanonicalJSON { .object(["first": .integer(first), "previous": .string(previous)]) }

    /// The cut that a record speaks of, if it does.
    init?(_ entry: AuditEntry) {
        guard entry.action == .auditTrimmed, case .object(let members)? = entry.after,
            case .integer(let first)? = members["first"], (2..<Int64.max).contains(first),
            case .string(let previous)? = members["previous"]
        else { return nil }
        self.init(first: first, previous: previous)
    }
}

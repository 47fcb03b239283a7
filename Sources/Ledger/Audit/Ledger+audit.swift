import GRDB

extension Ledger {
    /// Audit records, oldest first. Page on with `after:` the last sequence received.
    public func auditRecords(_ query: AuditQuery) async throws(LedgerFailure) -> [AuditRecord] {
        try await read { database in
            let sql = """
                SELECT sequence, hash, record,
                    (SELECT hash FROM audit AS before WHERE before.sequence = audit.sequence - 1) AS previous
                FROM audit
                WHERE sequence > :after
                \(query.tenant == nil ? "" : "AND tenant = :tenant")
                \(query.execution == nil ? "" : "AND execution = :execution")
                ORDER BY sequence LIMIT :limit
                """
            var arguments: StatementArguments = ["after": query.after, "limit": query.limit]
            if let tenant = query.tenant { arguments += ["tenant": tenant] }
            if let execution = query.execution { arguments += ["execution": execution] }
            return try Row.fetchAll(database, sql: sql, arguments: arguments).map(AuditRecord.init(row:))
        }
    }

    /// Recomputes the whole chain and compares it with its stored end.
    ///
    /// It finds records that were altered, dropped, added or moved. Someone who can write the file can also recompute
    /// all hashes: against that help only copies of the chain's end kept elsewhere.
    public func verifyAudit() async throws(LedgerFailure) -> AuditVerification {
        try await read(AuditChain.verify)
    }
}

extension AuditChain {
    /// The first fault of the whole chain, or that there is none.
    static func verify(in database: Database) throws -> AuditVerification {
        var verifier = ChainVerifier(from: .start, stream: stream)
        let rows = try Row.fetchCursor(database, sql: "SELECT sequence, hash, record FROM audit ORDER BY sequence")
        while !verifier.isDecided, let row = try rows.next() {
            let record: String = row["record"]
            do {
                verifier.recordRead(
                    try AuditLink(
                        sequence: row["sequence"], previous: nil, hash: Blob.bytes(row, "hash"),
                        record: Array(record.utf8)))
            } catch {
                verifier.lineUnreadable(error.reason)
            }
        }
        verifier.endStored(try readHead(from: database)?.head)
        return verifier.finish()
    }
}

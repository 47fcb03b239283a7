import GRDB

extension Ledger {
    /// Audit records, oldest first. Page on with `after:` the last sequence received.
    public func auditRecords(_ query: AuditQuery) async throws(LedgerFailure) -> [AuditRecord] {
        try await read { database in
            let sql = """
                SELECT sequence, hash, record FROM audit
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
        var head = AuditHead.start
        func verification(_ problem: String?) -> AuditVerification {
            let fault = problem.map { AuditVerification.Fault(sequence: head.sequence + 1, problem: $0) }
            return AuditVerification(verified: head.sequence, fault: fault)
        }
        let rows = try Row.fetchCursor(database, sql: "SELECT sequence, hash, record FROM audit ORDER BY sequence")
        while let row = try rows.next() {
            let sequence: Int64 = row["sequence"]
            guard sequence == head.sequence + 1 else { return verification("the record is missing") }
            let hash = Self.hash(after: head.hash, record: row["record"])
            guard hash == Blob.bytes(row, "hash") else { return verification("the record does not match its hash") }
            head = AuditHead(sequence: sequence, hash: hash)
        }
        guard let stored = try readHead(from: database)?.head else {
            return verification("the end of the chain is not on record")
        }
        guard stored.sequence >= head.sequence else { return verification("records follow the end of the chain") }
        guard stored.sequence == head.sequence else { return verification("the record is missing") }
        guard stored.hash == head.hash else { return verification("the end of the chain is another one") }
        return verification(nil)
    }
}

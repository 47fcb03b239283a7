extension Ledger {
    /// The lines of the audit log behind `position`, in order, whatever it is: one that is beyond the end, as it may be
    /// after a backup was restored, has nothing behind it.
    ///
    /// - Parameter limit: How many records at most, 1 to 1,000.
    public func auditLines(after position: AuditPosition, limit: Int) async throws(LedgerFailure) -> AuditBatch {
        let limit = min(max(limit, 1), 1_000)
        return try await read { database in try AuditChain.batch(after: position, limit: limit, in: database) }
    }

    /// Has a word whenever records were added, and one for all that were added while nobody listened. Each time it is asked
    /// for it is another stream.
    public var auditGrown: AsyncStream<Void> { books.auditGrown() }

    /// Where the chain ends, as committed.
    public var auditEnd: Int64 { books.withLock { $0.head.sequence } }

    /// How far a sink has got; nil if it never took anything.
    ///
    /// - Parameter name: The sink's, destination included.
    public func sinkPosition(of name: String) async throws(LedgerFailure) -> AuditPosition? {
        try await read { database in
            try database.row("SELECT sequence, checkpoint FROM sink WHERE name = ?", [name])
                .map { AuditPosition(sequence: $0["sequence"], checkpoint: $0["checkpoint"]) }
        }
    }

    /// Notes that a sink has taken everything up to `position`.
    public func sinkDelivered(_ name: String, upTo position: AuditPosition) async throws(LedgerFailure) {
        try await commits.submit(.own) { draft in
            try draft.execute(
                """
                INSERT INTO sink (name, sequence, checkpoint) VALUES (?, ?, ?)
                ON CONFLICT (name) DO UPDATE SET sequence = excluded.sequence, checkpoint = excluded.checkpoint
                """,
                [name, position.sequence, position.checkpoint]
            )
        }
    }
}

extension AuditChain {
    static func batch(after position: AuditPosition, limit: Int, in database: any SQLConnection) throws -> AuditBatch {
        let records = try database.rows(
            """
            SELECT sequence, hash, record, \(AuditRecord.previousHash(database.dialect)) AS previous FROM audit
            WHERE sequence > ? ORDER BY sequence LIMIT ?
            """, [position.sequence, limit]
        ).map(AuditRecord.init(row:))
        let end = records.last?.sequence ?? position.sequence
        let checkpoints = try CheckpointStore.checkpoints(
            after: position.checkpoint, upTo: end, limit: limit, in: database)
        let first = records.first.map(\.sequence) ?? 0
        return AuditBatch(
            lines: merge(records, checkpoints),
            end: AuditPosition(sequence: end, checkpoint: checkpoints.last?.number ?? position.checkpoint),
            isAtEnd: records.count < limit && checkpoints.count < limit,
            missed: first > position.sequence + 1 ? position.sequence + 1...first - 1 : nil
        )
    }

    /// Each checkpoint behind the record it names.
    private static func merge(_ records: [AuditRecord], _ checkpoints: [CheckpointStore.Stored]) -> [AuditLine] {
        var rest = checkpoints[...]
        var lines: [AuditLine] = []
        lines.reserveCapacity(records.count + checkpoints.count)
        for record in records {
            while let checkpoint = rest.first, checkpoint.sequence < record.sequence {
                lines.append(.checkpoint(checkpoint.signed))
                rest.removeFirst()
            }
            lines.append(.record(record))
        }
        return lines + rest.map { .checkpoint($0.signed) }
    }
}

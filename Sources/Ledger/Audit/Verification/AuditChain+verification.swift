import Auth

extension AuditChain {
    /// The first fault of the chain as the ledger has it, or that there is none.
    ///
    /// - Parameter key: what checkpoints are verified with; without it they are compared only.
    static func verify(in database: any SQLConnection, key: VerifyingKey? = nil) throws -> AuditVerification {
        let base = try AuditBase.read(from: database)
        let cut = try base.announcedCut(in: database)
        var verifier = ChainVerifier(from: base.head, stream: stream, key: key)
        verifier.judge(base, cut)
        var checkpoints = try CheckpointStore.Cursor(database)
        // As bytes: as a text it would end at a NUL that somebody wrote into it.
        let sql = """
            SELECT sequence, hash, \(database.dialect.bytes(of: "record")) AS record FROM audit ORDER BY sequence
            """
        let rows = try database.cursor(sql)
        while !verifier.isDecided, let row = try rows.next() {
            let (sequence, hash): (Int64, [UInt8]) = (row["sequence"], row["hash"])
            for signed in try checkpoints.next(before: sequence) { verifier.read(signed) }
            do {
                verifier.recordRead(
                    try AuditLink(
                        sequence: sequence, previous: nil, hash: hash, record: row["record"]))
            } catch {
                verifier.lineUnreadable(error.reason)
            }
            if let cut, sequence == cut.first - 1 { verifier.judge(cut, against: hash) }
        }
        for signed in try checkpoints.rest() { verifier.read(signed) }
        verifier.endStored(try readHead(from: database)?.head)
        return verifier.finish()
    }
}

extension ChainVerifier {
    /// The records before the first that is kept were removed in good order only if one that is kept says so.
    fileprivate mutating func judge(_ base: AuditBase, _ cut: AuditCut?) {
        guard base.head.sequence > 0 else { return }
        guard let cut, cut.first > base.head.sequence else {
            return fault(
                .missing, at: 1,
                "records up to \(base.head.sequence) are missing, and no record says that they were removed")
        }
        if cut.first == base.head.sequence + 1 { judge(cut, against: base.head.hash) }
    }

    fileprivate mutating func judge(_ cut: AuditCut, against hash: [UInt8]) {
        guard Hex.text(hash) != cut.previous else { return }
        fault(.trimming, at: cut.first, "the record before has another hash than the record of the removal names")
    }

    fileprivate mutating func read(_ stored: CheckpointStore.Readable) {
        switch stored {
        case .signed(let signed): checkpointRead(signed)
        case .damaged(let number):
            fault(.malformed, at: result.last ?? 0, "checkpoint \(number) cannot be read")
        }
    }
}

/// What is judged when all was read.
extension ChainVerifier {
    /// What a ledger says of its chain's end.
    enum StoredEnd {
        case none
        case place(AuditHead)
    }

    /// The ledger's own note of where its chain ends; nil if it has none.
    mutating func endStored(_ end: AuditHead?) { storedEnd = end.map(StoredEnd.place) ?? StoredEnd.none }

    private mutating func judgeStoredEnd() {
        guard result.fault == nil, let storedEnd, let head else { return }
        guard case .place(let end) = storedEnd else {
            return fault(.end, at: head.sequence + 1, "the end of the chain is not on record")
        }
        if end.sequence > head.sequence { return recordsMissing(upTo: end.sequence) }
        if end.sequence < head.sequence {
            fault(.end, at: end.sequence + 1, "records follow the end of the chain")
        } else if end.hash != head.hash.bytes {
            fault(.end, at: head.sequence + 1, "the end of the chain is another one")
        }
    }

    /// All was read.
    mutating func finish() -> AuditVerification {
        if result.fault == nil, !replay.isSettled { faultOfReplay() }
        judgeStoredEnd()
        judgeEnd()
        result.last = result.verified > 0 ? head?.sequence : nil
        result.lastHash = result.verified > 0 ? head?.hash.bytes : nil
        if let first = result.first, first > 1, beginning?.sequence == first - 1 {
            result.notes.insert("The chain begins here with record \(first); what came before is not judged.", at: 0)
        }
        if tooFarBack > 0 {
            result.notes.append("\(tooFarBack) mentions of records too far back could not be compared.")
        }
        if key == nil, result.unverifiedCheckpoints > 0 || !elsewhere.isEmpty {
            result.notes.append("Signatures of checkpoints were not verified: no public key was given.")
        }
        return result
    }
}

import Auth

/// What a checkpoint says of a record that has not been read yet.
struct AwaitedHead {
    var hash: ChainHash
    var number: Int64
    var isKeptElsewhere: Bool
}

extension ChainVerifier {
    /// A checkpoint was read that stands in the chain's file.
    mutating func checkpointRead(_ signed: SignedCheckpoint) {
        guard result.fault == nil else { return }
        let checkpoint = signed.checkpoint
        let place = head?.sequence ?? 0
        if let refusal = refusal(of: signed) {
            return fault(refusal.kind, at: place, "checkpoint \(checkpoint.number) \(refusal.problem)")
        }
        // Before the order: where records were cut out together with checkpoints, the records are the fault to name.
        judgeHead(of: checkpoint)
        if let problem = orderProblem(of: signed) {
            fault(.checkpointOrder, at: place, "checkpoint \(checkpoint.number) \(problem)")
        }
        guard result.fault == nil else { return }
        if checkpoint.number <= seenCheckpoints.last {
            result.repeated += 1
            if seenCheckpoints.isRepetition(signed) == nil { tooFarBack += 1 }
        } else {
            seenCheckpoints.append(signed)
            if key == nil { result.unverifiedCheckpoints += 1 } else { result.checkpoints += 1 }
        }
    }

    /// What is wrong with a signature; nothing if it holds, or no key is at hand.
    func refusal(of signed: SignedCheckpoint) -> (kind: AuditVerification.FaultKind, problem: String)? {
        guard let key else { return nil }
        do {
            try signed.verify(with: key)
            return nil
        } catch {
            switch error {
            case .anotherKey(let keyID): return (.checkpointKey, "is signed with key \(keyID), not with \(key.keyID)")
            case .invalidSignature: return (.checkpointSignature, "does not match its signature")
            }
        }
    }

    private func orderProblem(of signed: SignedCheckpoint) -> String? {
        let checkpoint = signed.checkpoint
        if let kept = elsewhereByNumber[checkpoint.number], kept != checkpoint {
            return "is another one than the one that is kept elsewhere"
        }
        guard checkpoint.number > 1 || checkpoint.previous == Checkpoint.noPrevious else {
            return "is the first and follows another one"
        }
        let last = seenCheckpoints.last
        guard last > 0 else { return nil }
        if checkpoint.number <= last {
            return seenCheckpoints.isRepetition(signed) == false ? "stands again with another content" : nil
        }
        guard checkpoint.number == last + 1 else { return "follows checkpoint \(last): those between are missing" }
        return checkpoint.previous == seenCheckpoints.lastDigest ? nil : "does not follow from the one before"
    }

    private mutating func judgeHead(of checkpoint: Checkpoint) {
        guard let head else {
            leading = checkpoint
            return
        }
        guard let named = ownHead(of: checkpoint), let beginning, named.sequence >= beginning.sequence else { return }
        if named.sequence > head.sequence {
            recordsMissing(upTo: named.sequence)
        } else if let known = remembered[named.sequence] {
            guard known.bytes != named.hash else { return }
            fault(
                .checkpointHead, at: named.sequence,
                "checkpoint \(checkpoint.number) names another hash for the record")
        } else {
            tooFarBack += 1
        }
    }

    /// What a checkpoint says of this chain's stream.
    func ownHead(of checkpoint: Checkpoint) -> Checkpoint.Head? {
        checkpoint.heads.first { head in
            stream?.elementsEqual(CanonicalJSON.string(head.stream).text.utf8.dropFirst().dropLast()) == true
        }
    }

    /// From now on heads can be told from those of other streams.
    mutating func streamKnown() {
        for signed in elsewhere { awaitHead(of: signed.checkpoint, isKeptElsewhere: true) }
        if let leading { awaitHead(of: leading, isKeptElsewhere: false) }
    }

    private mutating func awaitHead(of checkpoint: Checkpoint, isKeptElsewhere: Bool) {
        guard let named = ownHead(of: checkpoint), let hash = ChainHash(named.hash) else {
            if isKeptElsewhere {
                result.notes.append("Checkpoint \(checkpoint.number), kept elsewhere, does not name this stream.")
            }
            return
        }
        let entry = AwaitedHead(hash: hash, number: checkpoint.number, isKeptElsewhere: isKeptElsewhere)
        awaited[named.sequence, default: []].append(entry)
    }

    /// Compares a record with what checkpoints said of it.
    mutating func judgeAwaited(at place: Place) {
        guard !awaited.isEmpty, let entries = awaited.removeValue(forKey: place.sequence) else { return }
        for entry in entries where entry.hash != place.hash {
            if entry.isKeptElsewhere {
                fault(
                    .rewritten, at: place.sequence,
                    "the chain was rewritten: checkpoint \(entry.number), kept elsewhere, names another hash for the record"
                )
            } else {
                fault(
                    .checkpointHead, at: place.sequence,
                    "checkpoint \(entry.number) names another hash for the record")
            }
        }
    }
}

import Auth

/// Checkpoints kept elsewhere, which show what the chain alone cannot: that its end was cut off, or that it was
/// rewritten.
extension ChainVerifier {
    /// They must hold themselves before anything is held against them.
    mutating func judgeElsewhere() {
        var before: Checkpoint?
        for signed in elsewhere {
            let checkpoint = signed.checkpoint
            let name = "checkpoint \(checkpoint.number), kept elsewhere,"
            if let refusal = refusal(of: signed) { fault(refusal.kind, at: 0, "\(name) \(refusal.problem)") }
            if let before, before != checkpoint {
                if before.number == checkpoint.number {
                    fault(.checkpointOrder, at: 0, "\(name) is there with two contents")
                } else if before.number + 1 == checkpoint.number, before.digest != checkpoint.previous {
                    fault(.checkpointOrder, at: 0, "\(name) does not follow from the one before")
                }
            }
            before = checkpoint
        }
    }

    /// All was read: what was awaited and did not come is beyond the end, or before the beginning.
    mutating func judgeEnd() {
        guard result.fault == nil else { return }
        guard let head, let beginning else { return fault(.empty, at: 0, "there is no record") }
        let beyond = awaited.filter { $0.key > head.sequence }.flatMap { sequence, entries in
            entries.map { (sequence: sequence, entry: $0) }
        }
        if let farthest = beyond.filter({ $0.entry.isKeptElsewhere }).max(by: { $0.sequence < $1.sequence }) {
            let count = farthest.sequence - head.sequence
            let missing = count == 1 ? "one record is missing" : "\(count) records are missing"
            return fault(
                .truncated, at: head.sequence + 1,
                "the chain was cut off: checkpoint \(farthest.entry.number), kept elsewhere, names record "
                    + "\(farthest.sequence), so at least \(missing)")
        }
        if let farthest = beyond.max(by: { $0.sequence < $1.sequence }) {
            return recordsMissing(upTo: farthest.sequence)
        }
        for (sequence, entries) in awaited.sorted(by: { $0.key < $1.key }) where sequence < beginning.sequence {
            for entry in entries where entry.isKeptElsewhere {
                result.notes.append(
                    "Checkpoint \(entry.number), kept elsewhere, names record \(sequence), before the first one here: "
                        + "nothing can be said by it.")
            }
        }
    }
}

import Auth
import Gateway
import Ledger

/// A checkpoint that was kept elsewhere, held against a ledger whose chain is whole in itself.
struct KeptCheckpoint {
    private let signed: SignedCheckpoint
    private let key: VerifyingKey

    init(_ signed: SignedCheckpoint, with key: VerifyingKey) {
        self.signed = signed
        self.key = key
    }

    private var number: Int64 { signed.checkpoint.number }

    /// Asks for the record that each head names.
    func compare(_ administration: any Administration, _ verification: inout AuditVerificationView) async throws {
        do {
            try signed.verify(with: key)
        } catch .anotherKey(let keyID) {
            return verification.fail(
                .checkpointKey, "checkpoint \(number) is signed with another key (\(keyID)) than \(key.keyID)")
        } catch {
            return verification.fail(.checkpointSignature, "checkpoint \(number) or its signature was altered")
        }
        for head in signed.checkpoint.heads {
            let filter = AuditFilter(after: head.sequence - 1, limit: 1)
            let record = try await administration.auditRecords(filter).records.first { $0.stream == head.stream }
            guard let record else {
                return verification.fail(
                    .truncated, at: head.sequence,
                    "the chain was cut off: it ends before record \(head.sequence), which checkpoint \(number) names")
            }
            if record.sequence == head.sequence {
                guard record.hash == Hex.text(head.hash) else { return rewritten(head, &verification) }
                verification.checkpoints += 1
            } else if record.sequence == head.sequence + 1 {
                guard record.previous == Hex.text(head.hash) else { return rewritten(head, &verification) }
                verification.checkpoints += 1
            } else {
                verification.notes.append(
                    "checkpoint \(number) names record \(head.sequence), which is no longer kept: nothing can be said by it"
                )
            }
        }
    }

    private func rewritten(_ head: Checkpoint.Head, _ verification: inout AuditVerificationView) {
        verification.fail(
            .rewritten, at: head.sequence,
            "the chain was rewritten: record \(head.sequence) has another hash than checkpoint \(number) names")
    }
}

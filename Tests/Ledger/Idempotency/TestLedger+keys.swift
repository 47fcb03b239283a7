import Ledger
import Quota

extension TestLedger {
    /// An order under an idempotency key.
    func order(
        under key: String, rest: String = "", code: String = "print(1)", context: String? = nil, timeout: Int64 = 1_000,
        subject: String? = "user-42", in ledger: Ledger? = nil
    ) async throws(AdmissionFailure) -> Admission {
        try await (ledger ?? self.ledger).admit(
            order(timeout: timeout, code: code, context: context, subject: subject),
            under: PresentedIdempotencyKey(key, rest: Array(rest.utf8)))
    }

    /// One that must be the first under its key.
    func lease(
        under key: String, code: String = "print(1)", subject: String? = "user-42", in ledger: Ledger? = nil
    ) async throws -> Lease {
        switch try await order(under: key, code: code, subject: subject, in: ledger) {
        case .admitted(let lease): return lease
        case .repeated(let repetition): throw Repeated(repetition: repetition)
        }
    }

    /// An execution under a key, over and done with.
    @discardableResult
    func finished(under key: String, leaving remainder: Remainder) async throws -> Lease {
        let lease = try await lease(under: key)
        _ = try await ledger.settle(lease, with: .completed(held: 5), leaving: remainder)
        return lease
    }

    /// What is left of the reply to an order that was carried out before.
    func reply(under key: String, in ledger: Ledger? = nil) async throws -> EarlierReply? {
        guard case .repeated(.finished(_, let reply)) = try await order(under: key, in: ledger) else { return nil }
        return reply
    }
}

/// An order that was not the first under its key.
struct Repeated: Error {
    let repetition: Repetition
}

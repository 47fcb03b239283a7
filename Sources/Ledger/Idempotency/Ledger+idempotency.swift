import Auth
import Logging
import Quota

extension Ledger {
    /// How long a key stands for its request after that was answered; while it runs it does so anyway.
    public static let keysKept = Duration.seconds(86_400)
    /// The largest reply that is kept, in bytes. What a model reads is a few kilobytes, with charts a few hundred; and
    /// whatever goes into a commit holds up the others in it.
    public static let largestReply = 1 << 20
    /// How much is kept for one tenant, in bytes: what the disk and its backups can bear for every tenant.
    public static let mostReplyBytes = 64 << 20

    /// Judges an order that carries an idempotency key: of all orders of one tenant and subject with one key only the first
    /// runs.
    ///
    /// The key is looked up where limits are judged, and its row is in the commit of the admission; so of two orders at
    /// once, also in one commit, the second finds the first. A repeated order is not charged, whatever the limits say by
    /// now, and leaves no record. An order that is refused leaves its key free.
    ///
    /// - Throws: ``AdmissionFailure``, as without a key.
    public func admit(
        _ order: AdmissionOrder, under key: PresentedIdempotencyKey
    ) async throws(AdmissionFailure) -> Admission {
        enum Verdict: Sendable {
            case admitted(Lease)
            case earlier(ExecutionKeyStore.Earlier)
        }
        let (prepared, digests) = prepare(order, under: key)
        let verdict: Verdict = try await decide(prepared) { account, draft in
            if let earlier = try ExecutionKeyStore.earlier(digests, of: account.tenant, in: draft) {
                return .success(.earlier(earlier))
            }
            return try Self.judge(prepared, of: account, in: &draft).map(Verdict.admitted)
        }
        switch verdict {
        case .admitted(let lease):
            claimed.add(lease.executionID)
            return .admitted(lease)
        case .earlier(.mismatch): return .repeated(.mismatch)
        case .earlier(.running(let id)): return .repeated(.running(id))
        case .earlier(.finished(let record, let nothing?)): return .repeated(.finished(record, .gone(nothing)))
        case .earlier(.finished(let record, nil)):
            return .repeated(.finished(record, try await keptReply(of: record.id)))
        }
    }

    /// Beside the writer, which has no time for it.
    private func keptReply(of execution: String) async throws(AdmissionFailure) -> EarlierReply {
        let sealed: [UInt8]?
        do {
            sealed = try await read { database in try ExecutionKeyStore.sealedReply(of: execution, in: database) }
        } catch {
            throw .unavailable(error.reason)
        }
        // It may just have made room for another.
        guard let sealed else { return .gone(.noRoom) }
        guard let reply = try? replySealer.open(sealed, as: ExecutionKeyStore.label(execution)) else {
            logger.error("a kept reply cannot be opened", metadata: ["execution": "\(execution)"])
            return .gone(.lost)
        }
        return .kept(reply)
    }

    /// Under a key of the ledger's own: sealing takes a while, which the writer has not, and a rotation of the root key
    /// must not have to open every reply.
    private var replySealer: Sealer { Sealer(ownKey: ownKeys.replies) }

    /// What is left of an execution, ready for the commit of its settlement; nil for one without a key.
    func end(_ lease: Lease, leaving remainder: Remainder) -> ExecutionKeyStore.End? {
        guard lease.isKeyed else { return nil }
        switch remainder {
        case .nothing: return .freed
        case .state(let nothing): return .state(nothing)
        case .reply(let reply) where reply.count > Self.largestReply: return .state(.tooLarge)
        case .reply(let reply):
            let label = ExecutionKeyStore.label(lease.executionID.text)
            guard let sealed = try? replySealer.seal(reply, as: label) else { return .state(.lost) }
            return .reply(sealed: sealed)
        }
    }

    /// How many keys are forgotten in one commit, each perhaps with a reply of many pages.
    private static let keysForgottenAtOnce = 50

    /// Forgets keys whose time is over and the replies kept for them, in portions, so that no admission waits long for it.
    func forgetOldKeys() async throws(LedgerFailure) {
        while !Task.isCancelled {
            let now = clock.now()
            let expired = try await read { database in
                try ExecutionKeyStore.expired(at: now, upTo: Self.keysForgottenAtOnce, in: database)
            }
            guard !expired.isEmpty else { return }
            let begun = ContinuousClock.now
            // A key that was freed and is used anew belongs to another execution.
            try await commits.submit(.tenants(Set(expired.map(\.tenantName)))) { draft in
                for key in expired { try ExecutionKeyStore.forget(key.execution, of: key.tenant, in: draft) }
            }
            try? await Task.sleep(for: begun.duration(to: .now))
        }
    }
}

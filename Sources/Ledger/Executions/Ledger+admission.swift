import Quota

extension Ledger {
    /// Judges an order against every limit but the rate, and if it may run, reserves its ceiling.
    ///
    /// Lease, execution and the audit record of the intent are on disk when this returns; so is the record of a refusal, or
    /// it is counted among its like. Many callers share a commit.
    ///
    /// - Throws: ``AdmissionFailure``; after ``AdmissionFailure/unavailable(_:)`` nothing is reserved.
    public func admit(_ order: AdmissionOrder) async throws(AdmissionFailure) -> Lease {
        let prepared = prepare(order)
        let lease = try await decide(prepared) { account, draft in
            try Self.judge(prepared, of: account, in: &draft)
        }
        claimed.add(lease.executionID)
        return lease
    }

    private func prepare(_ order: AdmissionOrder) -> PreparedOrder {
        let isRecorded = books.withLock { $0.accounts[order.tenant]?.policy.recordsCode == true }
        return PreparedOrder(order, keys: ownKeys, sealing: isRecorded)
    }

    func prepare(_ order: AdmissionOrder, under key: PresentedIdempotencyKey) -> (PreparedOrder, IdempotencyDigests) {
        var prepared = prepare(order)
        let digests = ownKeys.digests(
            of: key.text, for: .execution, order.tenant, order.subject, request: prepared.fingerprinted(with: key.rest))
        prepared.idempotency = digests
        return (prepared, digests)
    }

    /// Has an order judged in the next commit, and its refusal recorded there.
    func decide<Verdict: Sendable>(
        _ order: PreparedOrder,
        _ judge: @escaping @Sendable (Books.Account, inout Draft) throws -> Result<Verdict, AdmissionRefusal>
    ) async throws(AdmissionFailure) -> Verdict {
        let (nonceLimits, refusals) = (nonceLimits, refusals)
        let verdict: Result<Verdict, AdmissionFailure>
        do {
            verdict = try await commits.submit(.tenant(order.tenant)) { draft in
                let judged: Result<Verdict, AdmissionRefusal>
                switch try Self.screen(order, nonceLimits: nonceLimits, in: &draft) {
                case .success(let account): judged = try judge(account, &draft)
                case .failure(let refusal): judged = .failure(refusal)
                }
                if case .failure(let refusal) = judged { try Self.record(refusal, of: order, refusals, in: &draft) }
                return judged.mapError(\.failure)
            }
        } catch {
            throw .unavailable(error.reason)
        }
        return try verdict.get()
    }

    /// Whoever asks is let in: their nonce is new, their key and tenant are still what authentication found them to be.
    private static func screen(
        _ order: PreparedOrder, nonceLimits: NonceLimits, in draft: inout Draft
    ) throws -> Result<Books.Account, AdmissionRefusal> {
        // First of all, and kept whatever follows: a call that is refused now must not be replayed when there is room.
        if let nonce = order.nonce {
            switch try NonceStore.accept(nonce, of: order.origin.keyID, within: nonceLimits, in: &draft) {
            case .accepted: break
            case .replayed: return .failure(AdmissionRefusal(.replayed, "replayed"))
            case .late: return .failure(AdmissionRefusal(.late, "late"))
            case .full: return .failure(AdmissionRefusal(.nonceStoreFull, "nonce_store_full"))
            }
        }
        let account: Books.Account
        do throws(AdmissionRefusal) {
            account = try draft.admissible(order.tenant, key: order.origin.keyID, until: order.expiresAt)
        } catch {
            return .failure(error)
        }
        guard order.nonce != nil || !account.policy.signedOnly else {
            return .failure(AdmissionRefusal(.notSigned, "not_signed"))
        }
        return .success(account)
    }

    static func judge(
        _ order: PreparedOrder, of account: Books.Account, in draft: inout Draft
    ) throws -> Result<Lease, AdmissionRefusal> {
        do throws(AdmissionRefusal) { try draft.refuseIfPaused() } catch { return .failure(error) }
        let subject = SubjectID(of: order.tenant, order.origin.subject)
        let before = UsagePair(tenant: account.usage, subject: try draft.usage(of: subject))
        var usages = before
        let grant: Grant
        do throws(Denial) {
            grant = try usages.admit(order.demand, under: account.policy, at: draft.now)
        } catch {
            return .failure(AdmissionRefusal(.denied(error), error.limitName))
        }
        draft.setUsage(usages.tenant, of: account)
        draft.setUsage(usages.subject, of: subject)
        let shadowedRate = account.policy.shadow ? order.shadowedRate?.shadowName : nil
        let shadowed = shadowedRate ?? before.shadowed(order.demand, under: account.policy, at: draft.now)
        try order.insert(grant: grant, shadowed: shadowed, of: account.tenant, in: draft)
        var entry = order.entry(.executionAdmitted)
        if account.policy.recordsCode {
            try order.recordCode(in: draft)
            entry.codeRecorded = true
        }
        entry.timeoutGranted = grant.timeoutMilliseconds
        entry.reason = shadowed
        try draft.audit(entry)
        return .success(
            Lease(
                executionID: order.id, tenant: order.tenant, grant: grant, admittedAt: draft.now, origin: order.origin,
                shadowed: shadowed, isKeyed: order.idempotency != nil
            ))
    }

    private static func record(
        _ refusal: AdmissionRefusal, of order: PreparedOrder, _ refusals: RefusalJournal, in draft: inout Draft
    ) throws {
        var entry = order.entry(.executionRefused)
        entry.outcome = AuditEntry.refused
        entry.reason = refusal.reason
        try draft.audit(refusal: entry, refusals)
    }
}

extension LedgerFailure {
    /// The failure in words, for those who only need to know that the ledger cannot serve.
    var reason: String {
        switch self {
        case .unavailable(let reason): reason
        default: "\(self)"
        }
    }
}

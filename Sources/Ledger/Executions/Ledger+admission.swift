import Quota

extension Ledger {
    /// Judges an order against every limit but the rate, and if it may run, reserves its ceiling.
    ///
    /// Lease, execution and the audit record of the intent are on disk when this returns; so is the record of a refusal, or
    /// it is counted among its like. Many callers share a commit.
    ///
    /// - Throws: ``AdmissionFailure``; after ``AdmissionFailure/unavailable(_:)`` nothing is reserved.
    public func admit(_ order: AdmissionOrder) async throws(AdmissionFailure) -> Lease {
        let isRecorded = books.withLock { $0.accounts[order.tenant]?.policy.recordsCode == true }
        let prepared = PreparedOrder(order, keys: ownKeys, sealing: isRecorded)
        let (epoch, nonceLimits, refusals) = (epoch, nonceLimits, refusals)
        let verdict: Result<Lease, AdmissionFailure>
        do {
            verdict = try await commits.submit { draft in
                switch try Self.judge(prepared, epoch: epoch, nonceLimits: nonceLimits, in: &draft) {
                case .success(let lease):
                    return .success(lease)
                case .failure(let refusal):
                    try Self.record(refusal, of: prepared, refusals, in: &draft)
                    return .failure(refusal.failure)
                }
            }
        } catch {
            throw .unavailable(error.reason)
        }
        return try verdict.get()
    }

    /// Why an order is refused, and the word for it in the audit log.
    private struct Refusal: Error {
        let failure: AdmissionFailure
        let reason: String

        init(_ failure: AdmissionFailure, _ reason: String) {
            self.failure = failure
            self.reason = reason
        }
    }

    private static func judge(
        _ order: PreparedOrder, epoch: Int64, nonceLimits: NonceLimits, in draft: inout Draft
    ) throws -> Result<Lease, Refusal> {
        // First of all, and kept whatever follows: a call that is refused now must not be replayed when there is room.
        if let nonce = order.nonce {
            switch try NonceStore.accept(nonce, of: order.origin.keyID, within: nonceLimits, in: &draft) {
            case .accepted: break
            case .replayed: return .failure(Refusal(.replayed, "replayed"))
            case .late: return .failure(Refusal(.late, "late"))
            case .full: return .failure(Refusal(.nonceStoreFull, "nonce_store_full"))
            }
        }
        let key = draft.key(order.origin.keyID)?.record.rolled(to: draft.now)
        guard let key, key.state != .revoked, key.tenant == order.tenant, let account = draft.account(order.tenant)
        else {
            return .failure(Refusal(.keyRevoked, "key_revoked"))
        }
        guard !account.tenant.isDisabled else {
            return .failure(Refusal(.tenantDisabled, "tenant_disabled"))
        }
        // Judged when the call began as well; the body may have taken its time.
        guard draft.wall.seconds <= order.expiresAt ?? .max else {
            return .failure(Refusal(.expired, "expired"))
        }
        guard order.nonce != nil || !account.policy.signedOnly else {
            return .failure(Refusal(.notSigned, "not_signed"))
        }

        let subject = SubjectID(of: order.tenant, order.origin.subject)
        let before = UsagePair(tenant: account.usage, subject: try draft.usage(of: subject))
        var usages = before
        let grant: Grant
        do throws(Denial) {
            grant = try usages.admit(order.demand, under: account.policy, at: draft.now)
        } catch {
            return .failure(Refusal(.denied(error), error.limitName))
        }
        draft.setUsage(usages.tenant, of: account)
        draft.setUsage(usages.subject, of: subject)
        let shadowed = shadowed(order, against: before, under: account.policy, at: draft.now)
        try order.insert(grant: grant, shadowed: shadowed, of: account.tenant, epoch: epoch, in: draft)
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
                shadowed: shadowed
            ))
    }

    /// What a shadow policy would have done, had it been in force.
    private static func shadowed(
        _ order: PreparedOrder, against usages: UsagePair, under policy: Policy, at now: Moment
    ) -> String? {
        guard policy.shadow else { return nil }
        if let denial = order.shadowedRate { return "shadow_\(denial.limitName)" }
        do throws(Denial) {
            let timeout = try usages.judge(order.demand, under: policy, at: now)
            return timeout < order.demand.timeoutMilliseconds ? "shadow_lowered" : nil
        } catch {
            return "shadow_\(error.limitName)"
        }
    }

    private static func record(
        _ refusal: Refusal, of order: PreparedOrder, _ refusals: RefusalJournal, in draft: inout Draft
    ) throws {
        var entry = order.entry(.executionRefused)
        entry.outcome = AuditEntry.refused
        entry.reason = refusal.reason
        if let record = refusals.record(of: entry), !draft.hasRecorded(refusal: record.kind) {
            try draft.audit(record)
            draft.changes.refusals.insert(record.kind)
        }
        let (refused, now) = (entry, draft.now)
        draft.afterCommit { refusals.noteRecorded(refused, at: now) }
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

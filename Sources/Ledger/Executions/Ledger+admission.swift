import Quota

extension Ledger {
    /// Judges an order against every limit but the rate, and if it may run, reserves its ceiling.
    ///
    /// Lease, execution and the audit record of the intent are on disk when this returns; so is the record of a refusal.
    /// Many callers share a commit.
    ///
    /// - Throws: ``AdmissionFailure``; after ``AdmissionFailure/unavailable(_:)`` nothing is reserved.
    public func admit(_ order: AdmissionOrder) async throws(AdmissionFailure) -> Lease {
        let prepared = PreparedOrder(order, digestKey: ownKeys.codeDigest)
        let (epoch, nonceLimits) = (epoch, nonceLimits)
        let verdict: Result<Lease, AdmissionFailure>
        do {
            verdict = try await commits.submit { draft in
                try Self.admit(prepared, epoch: epoch, nonceLimits: nonceLimits, in: &draft)
            }
        } catch {
            throw .unavailable(error.reason)
        }
        return try verdict.get()
    }

    private static func admit(
        _ order: PreparedOrder, epoch: Int64, nonceLimits: NonceLimits, in draft: inout Draft
    ) throws -> Result<Lease, AdmissionFailure> {
        // First of all, and kept whatever follows: a call that is refused now must not be replayed when there is room.
        if let nonce = order.nonce {
            switch try NonceStore.accept(nonce, of: order.origin.keyID, within: nonceLimits, in: &draft) {
            case .accepted: break
            case .replayed: return try refuse(order, .replayed, reason: "replayed", in: &draft)
            case .late: return try refuse(order, .late, reason: "late", in: &draft)
            case .full: return try refuse(order, .nonceStoreFull, reason: "nonce_store_full", in: &draft)
            }
        }
        let key = draft.key(order.origin.keyID)?.record.rolled(to: draft.now)
        guard let key, key.state != .revoked, key.tenant == order.tenant, let account = draft.account(order.tenant)
        else {
            return try refuse(order, .keyRevoked, reason: "key_revoked", in: &draft)
        }
        guard !account.tenant.isDisabled else {
            return try refuse(order, .tenantDisabled, reason: "tenant_disabled", in: &draft)
        }
        // Judged when the call began as well; the body may have taken its time.
        guard draft.wall.seconds <= order.expiresAt ?? .max else {
            return try refuse(order, .expired, reason: "expired", in: &draft)
        }
        guard order.nonce != nil || !account.policy.signedOnly else {
            return try refuse(order, .notSigned, reason: "not_signed", in: &draft)
        }

        let subject = SubjectID(of: order.tenant, order.origin.subject)
        let before = UsagePair(tenant: account.usage, subject: try draft.usage(of: subject))
        var usages = before
        let grant: Grant
        do throws(Denial) {
            grant = try usages.admit(order.demand, under: account.policy, at: draft.now)
        } catch {
            return try refuse(order, .denied(error), reason: error.limitName, in: &draft)
        }
        draft.setUsage(usages.tenant, of: account)
        draft.setUsage(usages.subject, of: subject)
        let shadowed = shadowed(order, against: before, under: account.policy, at: draft.now)
        try order.insert(grant: grant, shadowed: shadowed, of: account.tenant, epoch: epoch, in: draft)
        var entry = order.entry(.executionAdmitted)
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

    private static func refuse(
        _ order: PreparedOrder, _ failure: AdmissionFailure, reason: String, in draft: inout Draft
    ) throws -> Result<Lease, AdmissionFailure> {
        var entry = order.entry(.executionRefused)
        entry.outcome = "refused"
        entry.reason = reason
        try draft.audit(entry)
        return .failure(failure)
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

import Auth
import Quota

/// Why an order is refused, and the word for it in the audit log.
struct AdmissionRefusal: Error {
    let failure: AdmissionFailure
    let reason: String

    init(_ failure: AdmissionFailure, _ reason: String) {
        self.failure = failure
        self.reason = reason
    }

    init(_ denial: Denial) {
        self.init(.denied(denial), denial.limitName)
    }
}

extension Draft {
    /// The account that a call is charged to, if its key and its tenant are still let in at the moment of the commit.
    ///
    /// - Parameter expiresAt: the credential's last valid second: judged when the call began as well, but the body may
    ///   have taken its time.
    func admissible(
        _ tenant: String, key id: KeyID, until expiresAt: Int64?
    ) throws(AdmissionRefusal) -> Books.Account {
        let key = key(id)?.record.rolled(to: now)
        guard let key, key.state != .revoked, key.tenant == tenant, let account = account(tenant) else {
            throw AdmissionRefusal(.keyRevoked, "key_revoked")
        }
        if let suspension = account.tenant.suspension {
            throw AdmissionRefusal(.tenantSuspended(suspension.reason), "tenant_suspended")
        }
        if let suspension = key.suspension {
            throw AdmissionRefusal(.keySuspended(suspension.reason), "key_suspended")
        }
        guard wall.seconds <= expiresAt ?? .max else { throw AdmissionRefusal(.expired, "expired") }
        return account
    }

    /// Refuses what would begin while new work is paused. What was begun before goes on, and may be asked about.
    func refuseIfPaused() throws(AdmissionRefusal) {
        if let pause { throw AdmissionRefusal(.paused(pause.reason), "paused") }
    }

    /// Records a refusal, or has it counted among its like.
    mutating func audit(refusal entry: AuditEntry, _ refusals: RefusalJournal) throws {
        if let record = refusals.record(of: entry), !hasRecorded(refusal: record.kind) {
            try audit(record)
            changes.refusals.insert(record.kind)
        }
        let now = now
        afterCommit { refusals.noteRecorded(entry, at: now) }
    }
}

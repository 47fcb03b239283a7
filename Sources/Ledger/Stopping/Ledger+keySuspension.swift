public import Auth
import Quota

extension Ledger {
    /// Refuses a tenant's key until it is resumed. What is asleep sleeps on; calls to what it made are refused and cut.
    ///
    /// - Parameters:
    ///   - reason: Why, in words that its callers are told.
    ///   - endsRunning: Whether what runs by it is ended; else executions go on to their ends, and sandboxes to theirs.
    /// - Returns: the key as it is now.
    /// - Throws: ``LedgerFailure/noSuchKey(_:)``, ``LedgerFailure/keyRevoked(_:)``, ``LedgerFailure/invalidReason``,
    ///   ``LedgerFailure/unavailable(_:)``.
    @discardableResult
    public func suspendKey(
        _ id: KeyID, by actor: Actor, because reason: String? = nil, endsRunning: Bool = false
    ) async throws(LedgerFailure) -> KeyRecord {
        let reason = try Suspension.checked(reason: reason)
        return try await changeSuspension(of: id, endsRunning: endsRunning) { [books] former, draft in
            if endsRunning { try draft.endAll(.ofKey(id), because: .keySuspended, books) }
            draft.tellLater(.keySuspended(id), books)
            return (
                try draft.entry(.keySuspended, by: actor),
                .following(former, by: actor, because: reason, at: draft.now)
            )
        }
    }

    /// Lets a suspended key open the door again. Resuming one that is not suspended changes nothing.
    ///
    /// - Returns: the key as it is now.
    /// - Throws: ``LedgerFailure/noSuchKey(_:)``, ``LedgerFailure/keyRevoked(_:)``, ``LedgerFailure/unavailable(_:)``.
    @discardableResult
    public func resumeKey(_ id: KeyID, by actor: Actor) async throws(LedgerFailure) -> KeyRecord {
        try await changeSuspension(of: id) { former, draft in
            former == nil ? nil : (try draft.entry(.keyResumed, by: actor), nil)
        }
    }

    /// - Parameter change: what to record, and what holds from now on; nil if nothing changes.
    private func changeSuspension(
        of id: KeyID, endsRunning: Bool = false,
        _ change: @escaping @Sendable (Suspension?, inout Draft) throws -> (AuditEntry, Suspension?)?
    ) async throws(LedgerFailure) -> KeyRecord {
        let record = try await commits.submit { draft in
            guard var key = draft.key(id) else { throw LedgerFailure.noSuchKey("\(id)") }
            let former = key.record.suspension
            guard key.record.rolled(to: draft.now).state != .revoked else { throw LedgerFailure.keyRevoked("\(id)") }
            guard let (record, suspension) = try change(former, &draft) else { return key.record }
            key.record.suspension = suspension
            draft.set(key)
            try draft.execute(
                "UPDATE key SET suspended_at = ?, suspended_by = ?, suspension_reason = ? WHERE id = ?",
                [suspension?.since.nanoseconds, suspension?.by, suspension?.reason, "\(id)"])
            var entry = record
            entry.tenant = key.record.tenant
            entry.keyID = "\(id)"
            entry.before = Suspension.document(former)
            entry.after = Suspension.document(suspension, endsRunning: endsRunning)
            try draft.audit(entry)
            return key.record
        }
        let now = clock.now()
        return books.withLock { $0.listed(record, at: now) }
    }
}

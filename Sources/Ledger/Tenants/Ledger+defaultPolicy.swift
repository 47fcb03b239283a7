public import Quota

extension Ledger {
    /// The limits that new tenants get.
    public func defaultPolicy() -> Policy { books.withLock { $0.defaultPolicy } }

    /// Changes the limits that new tenants get; those that exist keep theirs.
    ///
    /// - Parameter condition: judged in the commit, of the limits as they are then.
    /// - Returns: the limits from now on.
    /// - Throws: ``LedgerFailure/preconditionFailed``, ``LedgerFailure/unavailable(_:)``; what `change` throws as ``LedgerFailure/invalidPolicy(_:)``.
    @discardableResult
    public func changeDefaultPolicy(
        by actor: Actor, onlyIf condition: (@Sendable (Policy) -> Bool)? = nil,
        _ change: @escaping @Sendable (Policy) throws(PolicyFailure) -> Policy
    ) async throws(LedgerFailure) -> Policy {
        try await commits.submit { draft in
            let before = draft.defaultPolicy
            let policy = try Self.changed(before, change)
            guard condition?(before) != false else { throw LedgerFailure.preconditionFailed }
            draft.changes.defaultPolicy = policy
            try draft.execute(
                "INSERT INTO default_policy (id, policy) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET policy = excluded.policy",
                [try Document.text(policy)]
            )
            var entry = try draft.entry(.defaultPolicySet, by: actor)
            entry.before = try CanonicalJSON(encoding: before)
            entry.after = try CanonicalJSON(encoding: policy)
            try draft.audit(entry)
            return policy
        }
    }
}

import Auth
import Quota

extension Ledger {
    /// Why nothing new may begin, as far as this gateway knows; nil while it may. From memory.
    public var pause: Suspension? { books.withLock(\.pause) }

    /// The same after a look at what other gateways changed.
    ///
    /// - Throws: ``LedgerFailure/unavailable(_:)``.
    public func presentPause() async throws(LedgerFailure) -> Suspension? {
        try await askPeers(for: .changes)
        return pause
    }

    /// Lets nothing new begin, for no tenant and on no gateway, until it is resumed: executions, and making, waking and
    /// prolonging sandboxes. What runs goes on and may be called, and whoever asks is answered.
    ///
    /// Paused again it is paused since the first time, for the new reason.
    ///
    /// - Parameters:
    ///   - reason: Why, in words that callers are told.
    ///   - endsRunning: Whether all that runs is ended.
    /// - Throws: ``LedgerFailure/invalidReason``, ``LedgerFailure/unavailable(_:)``.
    @discardableResult
    public func pauseWork(
        by actor: Actor, because reason: String? = nil, endsRunning: Bool = false
    ) async throws(LedgerFailure) -> Suspension {
        let reason = try Suspension.checked(reason: reason)
        return try await commits.submit { [books] draft in
            let former = draft.pause
            let pause = Suspension.following(former, by: actor, because: reason, at: draft.now)
            draft.changes.pause = Draft.Pause(value: pause)
            try draft.execute(
                """
                INSERT INTO pause (id, paused_at, paused_by, reason) VALUES (1, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET paused_by = excluded.paused_by, reason = excluded.reason
                """, [pause.since.nanoseconds, pause.by, pause.reason])
            try Self.record(
                .workPaused, by: actor, before: former, after: pause, endsRunning: endsRunning, in: &draft)
            if endsRunning { try draft.endAll(.everything, because: .paused, books) }
            return pause
        }
    }

    /// Lets new work begin again. If it may already, nothing changes.
    ///
    /// - Throws: ``LedgerFailure/unavailable(_:)``.
    public func resumeWork(by actor: Actor) async throws(LedgerFailure) {
        try await commits.submit { draft in
            guard let former = draft.pause else { return }
            draft.changes.pause = Draft.Pause(value: nil)
            try draft.execute("DELETE FROM pause", [])
            try Self.record(.workResumed, by: actor, before: former, after: nil, in: &draft)
        }
    }

    private static func record(
        _ action: AuditAction, by actor: Actor, before: Suspension?, after: Suspension?, endsRunning: Bool = false,
        in draft: inout Draft
    ) throws {
        var entry = try draft.entry(action, by: actor)
        entry.before = Suspension.document(before)
        entry.after = Suspension.document(after, endsRunning: endsRunning)
        try draft.audit(entry)
    }
}

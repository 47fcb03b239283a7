import GRDB
import Quota

extension Ledger {
    /// Notifications whose time has come, the oldest first.
    public func dueNotifications(upTo count: Int = 32) async throws(LedgerFailure) -> [Notification] {
        let now = clock.now()
        return try await read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM notification WHERE due_at <= ? ORDER BY created_at, id LIMIT ?",
                arguments: [now.nanoseconds, count]
            ).map { row in
                Notification(
                    id: row["id"], tenant: row["tenant"], document: row["document"], attempts: row["attempts"],
                    createdAt: Moment(nanoseconds: row["created_at"])
                )
            }
        }
    }

    /// Forgets a notification that was delivered, and notes it in the audit log.
    public func notificationDelivered(_ notification: Notification) async throws(LedgerFailure) {
        try await commits.submit { draft in
            try draft.execute("DELETE FROM notification WHERE id = ?", [notification.id])
            guard draft.database.changesCount > 0 else { return }
            try draft.audit(Self.entry(.notificationDelivered, of: notification))
        }
    }

    /// Puts a notification off that could not be delivered; gives it up, which the audit log says, when it is too old.
    public func notificationFailed(
        _ notification: Notification, reason: String, retryAfter: Duration
    ) async throws(LedgerFailure) {
        try await commits.submit { draft in
            let dueAt = draft.now + retryAfter
            guard dueAt < notification.createdAt + Notification.lifetime else {
                try draft.execute("DELETE FROM notification WHERE id = ?", [notification.id])
                guard draft.database.changesCount > 0 else { return }
                var entry = Self.entry(.notificationGivenUp, of: notification)
                entry.reason = reason.recordable
                return try draft.audit(entry)
            }
            try draft.execute(
                "UPDATE notification SET attempts = attempts + 1, due_at = ? WHERE id = ?",
                [dueAt.nanoseconds, notification.id]
            )
        }
    }

    private static func entry(_ action: AuditAction, of notification: Notification) -> AuditEntry {
        var entry = AuditEntry(action)
        entry.actor = "gateway"
        entry.tenant = notification.tenant
        entry.after = .object([
            "notification": .string(notification.id), "attempts": .integer(Int64(notification.attempts + 1)),
        ])
        return entry
    }
}

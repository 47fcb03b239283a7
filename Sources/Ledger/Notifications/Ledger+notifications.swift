import Quota

extension Ledger {
    /// How many are forgotten in one commit.
    private static let forgottenAtOnce = 200
    /// Beyond their lifetime they are left to whoever delivers them, who may just be trying for the last time.
    private static let grace = Duration.seconds(120)

    /// How many notifications wait to be delivered, due or not. A look into memory.
    public var waitingNotifications: Int { books.withLock { $0.notifications } }

    /// Has a word whenever notifications have come up, and one for all that came up while nobody listened. For one listener.
    public var notificationsAdded: AsyncStream<Void> { books.notificationsAdded }

    /// Notifications whose time has come, the oldest first.
    public func dueNotifications(upTo count: Int = 32) async throws(LedgerFailure) -> [Notification] {
        let now = clock.now()
        return try await read { database in
            try Notification.fetch(database, where: "due_at <= ?", now, upTo: count)
        }
    }

    /// Forgets a notification that was delivered, and notes it in the audit log.
    public func notificationDelivered(_ notification: Notification) async throws(LedgerFailure) {
        try await commits.submit(.own) { draft in
            try NotificationStore.forget(
                notification, .notificationDelivered, attempts: notification.attempts + 1, in: &draft)
        }
    }

    /// Puts a notification off that could not be delivered. It is given up, which the audit log says, when it would be too
    /// old by then, or when nobody wants it.
    ///
    /// - Parameter retryAfter: when to try again; nil for never.
    public func notificationFailed(
        _ notification: Notification, reason: String, retryAfter: Duration?
    ) async throws(LedgerFailure) {
        try await commits.submit(.own) { draft in
            let dueAt = retryAfter.map { draft.now + $0 }
            guard let dueAt, dueAt < notification.createdAt + Notification.lifetime else {
                return try NotificationStore.forget(
                    notification, .notificationGivenUp, reason: reason, attempts: notification.attempts + 1, in: &draft)
            }
            try draft.execute(
                "UPDATE notification SET attempts = attempts + 1, due_at = ? WHERE id = ?",
                [dueAt.nanoseconds, notification.id]
            )
        }
    }

    /// Gives up what nobody delivered in its lifetime, because nobody is told or because the gateway did not run.
    func forgetOldNotifications() async throws(LedgerFailure) {
        guard waitingNotifications > 0 else { return }
        let cutoff = clock.now() - Notification.lifetime - Self.grace
        var forgotten = 0
        repeat {
            forgotten = try await commits.submit(.own) { draft in
                let old = try Notification.fetch(
                    draft.database, where: "created_at < ?", cutoff, upTo: Self.forgottenAtOnce)
                for notification in old {
                    try NotificationStore.forget(
                        notification, .notificationGivenUp, reason: "expired", attempts: notification.attempts,
                        in: &draft)
                }
                return old.count
            }
        } while forgotten == Self.forgottenAtOnce
    }
}

extension Notification {
    fileprivate static func fetch(
        _ database: any SQLConnection, where condition: String, _ moment: Moment, upTo count: Int
    ) throws -> [Notification] {
        try database.rows(
            "SELECT * FROM notification WHERE \(condition) ORDER BY created_at, id LIMIT ?",
            [moment.nanoseconds, count]
        ).map { row in
            Notification(
                id: row["id"], tenant: row["tenant"], document: row["document"], attempts: row["attempts"],
                createdAt: Moment(nanoseconds: row["created_at"])
            )
        }
    }
}

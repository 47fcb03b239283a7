import Auth
import Quota

/// Notifications on disk, written in the commit of what they tell.
enum NotificationStore {
    /// More than this do not wait; the newest is dropped, and with it nothing but a word about what usage shows as well.
    private static let maximumWaiting = 10_000

    static func add(_ threshold: RuntimeThreshold, of tenant: Tenant, in draft: inout Draft) throws {
        guard draft.notificationsWaiting < maximumWaiting else { return }
        let document = document(threshold, of: tenant.name, at: draft.now)
        try draft.execute(
            """
            INSERT INTO notification (id, tenant, document, created_at, due_at, attempts) VALUES (?, ?, ?, ?4, ?4, 0)
            """,
            ["ntf_" + Hex.text(SecureRandom.bytes(12)), tenant.handle, document.text, draft.now.nanoseconds]
        )
        draft.changes.notifications += 1
        draft.changes.hasNews = true
    }

    /// Forgets a notification, delivered or not, and says so in the audit log; nothing happens if it was forgotten before.
    static func forget(
        _ notification: Notification, _ action: AuditAction, reason: String? = nil, attempts: Int, in draft: inout Draft
    ) throws {
        guard try draft.database.change("DELETE FROM notification WHERE id = ?", [notification.id]) > 0 else { return }
        draft.changes.notifications -= 1
        var entry = AuditEntry(action)
        entry.actor = "gateway"
        entry.tenant = notification.tenant
        entry.reason = reason?.recordable
        entry.after = .object(["notification": .string(notification.id), "attempts": .integer(Int64(attempts))])
        try draft.audit(entry)
    }

    static func count(in database: any SQLConnection) throws -> Int {
        try database.value(Int.self, "SELECT count(*) FROM notification") ?? 0
    }

    /// As the Standard Webhooks specification recommends: what, when, and the rest.
    private static func document(_ threshold: RuntimeThreshold, of tenant: String, at now: Moment) -> CanonicalJSON {
        let runtime = threshold.runtime
        return .object([
            "type": .string("runtime.threshold"),
            "timestamp": .string(now.text),
            "data": .object([
                "tenant": .string(tenant), "window": .string(runtime.window.rawValue),
                "percent": .integer(Int64(threshold.percent)), "limit_ms": .integer(runtime.limitMilliseconds),
                "used_ms": .integer(runtime.usedMilliseconds), "reserved_ms": .integer(runtime.reservedMilliseconds),
                "starts_at": .string(threshold.startsAt.text), "resets_at": .string(runtime.resetsAt.text),
            ]),
        ])
    }
}

import Auth
import GRDB
import Quota

/// Notifications on disk, written in the commit of what they tell.
enum NotificationStore {
    /// More than this do not wait; the newest is dropped, and with it nothing but a word about what usage shows as well.
    private static let maximumWaiting = 10_000

    static func add(_ threshold: RuntimeThreshold, of tenant: String, in draft: Draft) throws {
        let waiting =
            try Int.fetchOne(
                draft.database.cachedStatement(sql: "SELECT count(*) FROM notification")) ?? 0
        guard waiting < maximumWaiting else { return }
        let runtime = threshold.runtime
        let document = CanonicalJSON.object([
            "type": .string("runtime.threshold"),
            "timestamp_ms": .integer(draft.now.milliseconds),
            "data": .object([
                "tenant": .string(tenant), "window": .string(runtime.window.rawValue),
                "percent": .integer(Int64(threshold.percent)), "limit_ms": .integer(runtime.limitMilliseconds),
                "used_ms": .integer(runtime.usedMilliseconds), "reserved_ms": .integer(runtime.reservedMilliseconds),
                "starts_at_ms": .integer(threshold.startsAt.milliseconds),
                "resets_at_ms": .integer(runtime.resetsAt.milliseconds),
            ]),
        ])
        try draft.execute(
            """
            INSERT INTO notification (id, tenant, document, created_at, due_at, attempts) VALUES (?, ?, ?, ?4, ?4, 0)
            """,
            ["ntf_" + Hex.text(SecureRandom.bytes(12)), tenant, document.text, draft.now.nanoseconds]
        )
    }
}

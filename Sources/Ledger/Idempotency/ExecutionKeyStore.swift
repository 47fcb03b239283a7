import Auth
import Quota

/// The rows of executions' idempotency keys, and of the replies kept for them.
enum ExecutionKeyStore {
    /// What a key was used for, as its row has it.
    enum Earlier: Sendable {
        case mismatch
        case running(ExecutionID)
        /// Nil stands for a reply that is kept.
        case finished(ExecutionRecord, NoReply?)
    }

    /// How an execution's key ends with its settlement.
    enum End: Sendable {
        case reply(sealed: [UInt8])
        case state(NoReply)
        case freed
    }

    private static let kept = "kept"
    /// How many replies make room for a new one at most, so that no commit waits long for it.
    private static let removedAtOnce = 100

    static func label(_ execution: String) -> String { "execution_reply/\(execution)" }

    // MARK: The key

    /// What came of an earlier order under the same key; nil if there is none whose time is not over.
    static func earlier(_ digests: IdempotencyDigests, of tenant: Tenant, in draft: Draft) throws -> Earlier? {
        let row = try draft.database.row(
            """
            SELECT execution.*, ? AS tenant_name, fingerprint, expires_at, reply
            FROM execution_key JOIN execution ON execution.id = execution_key.execution
            WHERE execution_key.tenant = ? AND execution_key.key = ?
            """, [tenant.handle, tenant.id, digests.key])
        guard let row else { return nil }
        let record = ExecutionRecord(row: row)
        if let end = Accounts.moment(row, "expires_at"), end <= draft.now {
            try forget(record.id, of: tenant.id, in: draft)
            return nil
        }
        guard row["fingerprint"] == digests.fingerprint else { return .mismatch }
        guard record.finishedAt != nil else { return ExecutionID(record.id).map(Earlier.running) ?? .mismatch }
        let reply: String? = row["reply"]
        return .finished(record, reply == kept ? nil : reply.flatMap(NoReply.init(rawValue:)) ?? .lost)
    }

    static func insert(_ digests: IdempotencyDigests, of execution: ExecutionID, _ tenant: Tenant, in draft: Draft)
        throws
    {
        try draft.execute(
            "INSERT INTO execution_key (execution, tenant, key, fingerprint, created_at) VALUES (?, ?, ?, ?, ?)",
            [execution.text, tenant.id, digests.key, digests.fingerprint, draft.now.nanoseconds])
    }

    /// Notes how the execution ended. One without a key is passed over.
    static func end(_ execution: String, of tenant: Tenant, as end: End, in draft: Draft) throws {
        var reply: String
        switch end {
        case .freed: return try draft.execute("DELETE FROM execution_key WHERE execution = ?", [execution])
        case .state(let why): reply = why.rawValue
        case .reply(let sealed):
            reply = kept
            if try makeRoom(for: sealed.count, of: tenant.id, in: draft) {
                try keep(sealed, of: execution, tenant.id, in: draft)
            } else {
                reply = NoReply.noRoom.rawValue
            }
        }
        try draft.execute(
            "UPDATE execution_key SET expires_at = ?, reply = ? WHERE execution = ?",
            [(draft.now + Ledger.keysKept).nanoseconds, reply, execution])
    }

    // MARK: The reply

    static func sealedReply(of execution: String, in database: any SQLConnection) throws -> [UInt8]? {
        try database.row("SELECT sealed FROM execution_reply WHERE execution = ?", [execution]).map { $0["sealed"] }
    }

    private static func keep(_ sealed: [UInt8], of execution: String, _ tenant: Int64, in draft: Draft) throws {
        try draft.execute(
            "INSERT INTO execution_reply (execution, tenant, sealed) VALUES (?, ?, ?)",
            [execution, tenant, sealed])
        try draft.execute(
            """
            INSERT INTO reply_total (tenant, bytes) VALUES (?, ?)
            ON CONFLICT (tenant) DO UPDATE SET bytes = reply_total.bytes + excluded.bytes
            """, [tenant, sealed.count])
    }

    /// Has the oldest replies of a tenant make room for a new one: a request is repeated soon or not at all.
    ///
    /// - Returns: false where many small ones would have to go at once.
    private static func makeRoom(for bytes: Int, of tenant: Int64, in draft: Draft) throws -> Bool {
        var total =
            try draft.database.value(Int.self, "SELECT bytes FROM reply_total WHERE tenant = ?", [tenant]) ?? 0
        guard total + bytes > Ledger.mostReplyBytes else { return true }
        let oldest = try draft.database.rows(
            """
            SELECT execution, length(sealed) AS bytes FROM execution_reply WHERE tenant = ?
            ORDER BY number LIMIT \(removedAtOnce)
            """, [tenant])
        for row in oldest where total + bytes > Ledger.mostReplyBytes {
            let execution: String = row["execution"]
            try removeReply(of: execution, tenant, in: draft)
            try draft.execute(
                "UPDATE execution_key SET reply = ? WHERE execution = ?", [NoReply.noRoom.rawValue, execution])
            total -= row["bytes"] as Int
        }
        return total + bytes <= Ledger.mostReplyBytes
    }

    private static func removeReply(of execution: String, _ tenant: Int64, in draft: Draft) throws {
        try draft.execute(
            """
            UPDATE reply_total SET bytes = bytes
                - coalesce((SELECT length(sealed) FROM execution_reply WHERE execution = ?), 0)
            WHERE tenant = ?
            """, [execution, tenant])
        try draft.execute("DELETE FROM execution_reply WHERE execution = ?", [execution])
    }

    // MARK: Forgetting

    /// Keys whose time is over, the oldest first.
    static func expired(at now: Moment, upTo count: Int, in database: any SQLConnection) throws -> [Expired] {
        try database.rows(
            """
            SELECT execution_key.execution, execution_key.tenant, tenant.name
            FROM execution_key JOIN tenant ON tenant.id = execution_key.tenant
            WHERE expires_at <= ? ORDER BY expires_at LIMIT ?
            """, [now.nanoseconds, count]
        ).map { Expired(execution: $0["execution"], tenant: $0["tenant"], tenantName: $0["name"]) }
    }

    /// A key whose time is over, by the execution that it stood for.
    struct Expired: Sendable {
        let execution: String
        let tenant: Int64
        let tenantName: String
    }

    /// Takes out a key whose time is over, and its reply.
    static func forget(_ execution: String, of tenant: Int64, in draft: Draft) throws {
        try removeReply(of: execution, tenant, in: draft)
        try draft.execute("DELETE FROM execution_key WHERE execution = ?", [execution])
    }
}

import Auth
import Quota

extension Ledger {
    /// The upstream keys, the oldest first.
    public func upstreamKeys() -> [UpstreamKeyRecord] {
        upstreamKeySecrets().map(\.record)
    }

    /// The upstream keys with their secrets, the oldest first: for calling upstream.
    public func upstreamKeySecrets() -> [HeldUpstreamKey] {
        books.withLock { $0.upstreamKeys }
    }

    /// Which of the upstream keys this is, if it is one of them.
    public func upstreamKey(with secret: UpstreamKeySecret) -> UpstreamKeyRecord? {
        Self.key(with: secret, among: upstreamKeySecrets())
    }

    /// Adds an upstream key, on standby. The first of all is made active.
    ///
    /// - Parameters:
    ///   - secret: The key.
    ///   - team: The gateway's name for its E2B team: `^[a-z0-9-]{1,32}$`.
    ///   - actor: Who does it, for the audit log.
    ///   - key: Makes a repeated request get what the first one made.
    ///   - asked: The team as the request named it, if it did.
    /// - Throws: ``LedgerFailure/invalidTeam``; ``LedgerFailure/upstreamKeyExists(_:)`` if it is held already;
    ///   ``LedgerFailure/unavailable(_:)``; with a key what ``Draft/once(_:by:make:)`` says.
    public func addUpstreamKey(
        _ secret: UpstreamKeySecret, team: String, by actor: Actor, under key: RequestKey? = nil,
        asked: String? = nil
    ) async throws(LedgerFailure) -> UpstreamKeyRecord {
        guard UpstreamKeyRecord.isValid(team: team) else { throw .invalidTeam }
        let request = prepared(key, Self.content(secret, asked: asked), by: actor)
        return try await commits.submit { draft in
            try draft.once(request, by: actor) { draft in
                if let held = Self.key(with: secret, among: draft.upstreamKeys) {
                    throw LedgerFailure.upstreamKeyExists(held.id)
                }
                return try Self.add(secret, team: team, by: actor, in: &draft)
            }
        }
    }

    /// What an earlier request under this idempotency key added, before upstream is asked about anything.
    ///
    /// - Returns: nil if there was none.
    /// - Throws: ``LedgerFailure/requestMismatch``, ``LedgerFailure/actorRefused``, ``LedgerFailure/unavailable(_:)``.
    public func addedUpstreamKey(
        _ secret: UpstreamKeySecret, by actor: Actor, under key: RequestKey, asked: String?
    ) async throws(LedgerFailure) -> UpstreamKeyRecord? {
        guard let request = prepared(key, Self.content(secret, asked: asked), by: actor) else { return nil }
        return try await commits.submit { draft in try draft.made(under: request, by: actor) }
    }

    private static func content(_ secret: UpstreamKeySecret, asked: String?) -> [String] {
        ["addUpstreamKey", secret.exported()] + [asked].compactMap(\.self)
    }

    /// Takes over the key that the gateway was started with, if the ledger has none: active, of the team `default`.
    ///
    /// - Returns: it; nil if the ledger has keys, which nothing is changed of.
    /// - Throws: ``LedgerFailure/unavailable(_:)``.
    public func importUpstreamKey(
        _ secret: UpstreamKeySecret, by actor: Actor
    ) async throws(LedgerFailure) -> UpstreamKeyRecord? {
        try await commits.submit { draft in
            guard draft.upstreamKeys.isEmpty else { return nil }
            return try Self.add(secret, team: "default", by: actor, in: &draft)
        }
    }

    /// Makes a key the one with which new sandboxes are made; the one that was goes on standby in the same commit. If it
    /// is active already nothing is changed.
    ///
    /// - Returns: the key as it is now.
    /// - Throws: ``LedgerFailure/noSuchUpstreamKey(_:)``, ``LedgerFailure/unavailable(_:)``.
    @discardableResult
    public func activateUpstreamKey(_ id: String, by actor: Actor) async throws(LedgerFailure) -> UpstreamKeyRecord {
        try await commits.submit { draft in
            let before = try draft.upstreamKey(id)
            guard before.role != .active else { return before }
            var entry = try draft.entry(.upstreamKeyActivated, by: actor)
            let former = draft.upstreamKeys.first { $0.record.role == .active }?.record.id
            // First, since there is never more than one.
            if let former { _ = try draft.setRole(.standby, of: former) }
            let after = try draft.setRole(.active, of: id)
            (entry.before, entry.after) = (before.document(), after.document(insteadOf: former))
            try draft.audit(entry)
            return after
        }
    }

    /// Has no more sandboxes made with a key. If it is retired already nothing is changed.
    ///
    /// - Returns: the key as it is now.
    /// - Throws: ``LedgerFailure/noSuchUpstreamKey(_:)``, ``LedgerFailure/upstreamKeyActive(_:)``,
    ///   ``LedgerFailure/unavailable(_:)``.
    @discardableResult
    public func retireUpstreamKey(_ id: String, by actor: Actor) async throws(LedgerFailure) -> UpstreamKeyRecord {
        try await commits.submit { draft in
            let before = try draft.upstreamKey(id)
            guard before.role != .retired else { return before }
            guard before.role != .active else { throw LedgerFailure.upstreamKeyActive(id) }
            var entry = try draft.entry(.upstreamKeyRetired, by: actor)
            let after = try draft.setRole(.retired, of: id)
            (entry.before, entry.after) = (before.document(), after.document())
            try draft.audit(entry)
            return after
        }
    }

    /// Forgets a key that is retired.
    ///
    /// - Returns: the key as it was.
    /// - Throws: ``LedgerFailure/noSuchUpstreamKey(_:)``, ``LedgerFailure/upstreamKeyActive(_:)``,
    ///   ``LedgerFailure/upstreamKeyNotRetired(_:)``, ``LedgerFailure/unavailable(_:)``.
    @discardableResult
    public func removeUpstreamKey(_ id: String, by actor: Actor) async throws(LedgerFailure) -> UpstreamKeyRecord {
        try await commits.submit { draft in
            let before = try draft.upstreamKey(id)
            switch before.role {
            case .active: throw LedgerFailure.upstreamKeyActive(id)
            case .standby: throw LedgerFailure.upstreamKeyNotRetired(id)
            case .retired: break
            }
            var entry = try draft.entry(.upstreamKeyRemoved, by: actor)
            try draft.removeUpstreamKey(id)
            entry.before = before.document()
            try draft.audit(entry)
            return before
        }
    }

    private static func add(
        _ secret: UpstreamKeySecret, team: String, by actor: Actor, in draft: inout Draft
    ) throws -> UpstreamKeyRecord {
        let role: UpstreamKeyRecord.Role = draft.upstreamKeys.isEmpty ? .active : .standby
        let record = UpstreamKeyRecord(team: team, role: role, at: draft.now)
        var entry = try draft.entry(.upstreamKeyAdded, by: actor)
        try draft.add(HeldUpstreamKey(record: record, secret: secret))
        entry.after = record.document()
        try draft.audit(entry)
        return record
    }

    /// All are compared, so that the time tells nothing.
    private static func key(with secret: UpstreamKeySecret, among keys: [HeldUpstreamKey]) -> UpstreamKeyRecord? {
        let sought = Digest.sha256(Array(secret.exported().utf8))
        return keys.filter { key in
            Digest.constantTimeEquals(Digest.sha256(Array(key.secret.exported().utf8)), sought)
        }.first?.record
    }
}

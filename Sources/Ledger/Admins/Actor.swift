import Auth
import Quota

/// Who administers: named in the audit log, and judged once more in the commit that does what was asked.
public struct Actor: Sendable, Hashable, ExpressibleByStringLiteral {
    /// Such as `admin:NAME` or `local:root`.
    public let name: String
    /// What the admin token proved when the request began; nil for whoever owns the ledger's files.
    let token: AdminPrincipal?
    /// The HTTP request, if it came by one.
    let requestID: String?
    /// Where that came from.
    let sourceAddress: String?
    /// The trace it belongs to, as 32 hex digits.
    let traceID: String?
    /// The gateway's span in it, as 16 hex digits.
    let spanID: String?

    /// Whoever owns the ledger's files.
    ///
    /// - Parameters:
    ///   - name: Such as `local:root`.
    ///   - requestID: The HTTP request, if it came by one.
    ///   - traceID: The trace that belongs to, as 32 hex digits.
    ///   - spanID: The gateway's span in it, as 16 hex digits.
    public init(_ name: String, requestID: String? = nil, traceID: String? = nil, spanID: String? = nil) {
        self.name = name
        token = nil
        self.requestID = requestID
        sourceAddress = nil
        self.traceID = traceID
        self.spanID = spanID
    }

    /// Whoever holds an admin token.
    public init(
        _ token: AdminPrincipal, requestID: String, sourceAddress: String, traceID: String? = nil, spanID: String? = nil
    ) {
        name = "admin:\(token.name)"
        self.token = token
        self.requestID = requestID
        self.sourceAddress = sourceAddress
        self.traceID = traceID
        self.spanID = spanID
    }

    /// The same as ``init(_:requestID:)``.
    public init(stringLiteral name: String) {
        self.init(name)
    }
}

extension Draft {
    /// A record of what an actor does in this commit.
    ///
    /// - Throws: ``LedgerFailure/actorRefused`` if the actor's token was revoked or has expired since the request began.
    func entry(_ action: AuditAction, by actor: Actor) throws(LedgerFailure) -> AuditEntry {
        try check(actor)
        var entry = AuditEntry(action)
        entry.actor = actor.name
        entry.actorKeyID = actor.token.map { "\($0.keyID)" }
        entry.requestID = actor.requestID?.recordable
        entry.sourceAddress = actor.sourceAddress?.recordable
        entry.traceID = actor.traceID
        entry.spanID = actor.spanID
        return entry
    }

    /// Judges once more whether an actor may act.
    ///
    /// - Throws: ``LedgerFailure/actorRefused``.
    func check(_ actor: Actor) throws(LedgerFailure) {
        guard let token = actor.token else { return }
        guard adminKey(token.keyID)?.record.state == .active,
            token.claims.notAfter.map({ wall.seconds <= $0 }) != false
        else { throw .actorRefused }
    }
}

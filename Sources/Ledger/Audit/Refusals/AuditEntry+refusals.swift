extension AuditEntry {
    /// What every refusal says for its outcome.
    static let refused = "refused"

    /// What equal refusals have in common: who, what, why and from where, and nothing that a caller chooses anew each time.
    var kind: AuditEntry {
        var kind = self
        (kind.requestID, kind.traceID, kind.spanID) = (nil, nil, nil)
        (kind.execution, kind.sandboxHandle) = (nil, nil)
        (kind.codeDigest, kind.codeBytes) = (nil, nil)
        (kind.contextDigest, kind.contextBytes) = (nil, nil)
        (kind.template, kind.language, kind.timeoutAsked) = (nil, nil, nil)
        return kind
    }

    /// What many kinds of refusals of one owner have in common.
    var crowd: AuditEntry {
        var crowd = AuditEntry(action)
        (crowd.tenant, crowd.actor) = (tenant, actor)
        (crowd.outcome, crowd.reason) = (outcome, reason)
        return crowd
    }

    /// Whose refusal it is: a tenant's, an administrator's, or nobody's.
    var refusalOwner: RefusalOwner { RefusalOwner(tenant: tenant, actor: actor) }
}

/// Whose refusals they are. Each has room of its own, so that nobody takes another's name away.
struct RefusalOwner: Hashable, Sendable {
    let tenant: String?
    let actor: String?

    /// Somebody without a valid credential.
    var isStranger: Bool { tenant == nil && actor == nil }
}

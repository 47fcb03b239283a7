public import Quota

/// Somebody or something is shut out for a while: a tenant, a key, or all new work.
public struct Suspension: Sendable, Hashable {
    /// Since when.
    public let since: Moment
    /// Who did it, by the audit log's name; nil for tenants that were shut out before that was kept.
    public let by: String?
    /// Why, in an administrator's words, which those are told who are refused.
    public let reason: String?

    /// The longest reason, in bytes.
    public static let longestReason = 250

    /// A reason as it is kept: what may be recorded of it, without spaces around it.
    ///
    /// - Throws: ``LedgerFailure/invalidReason`` for an empty one, one longer than ``longestReason``, and one with control
    ///   characters in it.
    static func checked(reason: String?) throws(LedgerFailure) -> String? {
        guard let reason else { return nil }
        let isPlain = reason.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        guard isPlain, (1...longestReason).contains(reason.utf8.count), reason.contains(where: { !$0.isWhitespace })
        else { throw .invalidReason }
        return reason.recordable
    }
}

extension Suspension {
    /// As three columns say.
    init?(_ row: SQLRow, since: String, by: String = "suspended_by", reason: String = "suspension_reason") {
        guard let since = Accounts.moment(row, since) else { return nil }
        self.init(since: since, by: row[by], reason: row[reason])
    }

    /// One that an actor puts in force; where there is one already it goes on since then, for the new reason.
    static func following(_ former: Suspension?, by actor: Actor, because reason: String?, at now: Moment) -> Suspension
    {
        Suspension(since: former?.since ?? now, by: actor.name, reason: reason ?? former?.reason)
    }

    /// What the audit log says of whether somebody or something is out, and of whether what ran was ended with that.
    static func document(_ suspension: Suspension?, endsRunning: Bool = false) -> CanonicalJSON {
        var members: [String: CanonicalJSON] = ["suspended": .bool(suspension != nil)]
        members["reason"] = suspension?.reason.map(CanonicalJSON.string)
        if endsRunning { members["end_running"] = .bool(true) }
        return .object(members)
    }
}

import Auth
public import Quota

/// What the ledger tells of an upstream key: everything but the secret.
public struct UpstreamKeyRecord: Sendable, Hashable {
    /// What an upstream key is for.
    public enum Role: String, Sendable, Hashable, Codable, CaseIterable {
        /// New sandboxes are made with it; there is at most one. Can become: standby, when another is made active.
        case active
        /// Steps in where upstream refuses the active key of its team. Can become: active, retired.
        case standby
        /// Makes no sandboxes; those that there are may still be addressed with it. Can become: active; can be removed.
        case retired
    }

    /// The gateway's name for it: `uk_` and 16 hex digits, random.
    public let id: String
    /// The gateway's name for the E2B team it belongs to: `^[a-z0-9-]{1,32}$`.
    public let team: String
    /// What it is for.
    public internal(set) var role: Role
    /// When it was added.
    public let createdAt: Moment
    /// Since when it has its role.
    public internal(set) var roleSince: Moment

    /// A key that is new, at this instant.
    init(team: String, role: Role, at now: Moment) {
        self.init(
            id: "uk_" + Hex.text(SecureRandom.bytes(8)), team: team, role: role, createdAt: now, roleSince: now)
    }

    init(id: String, team: String, role: Role, createdAt: Moment, roleSince: Moment) {
        self.id = id
        self.team = team
        self.role = role
        self.createdAt = createdAt
        self.roleSince = roleSince
    }

    /// Whether `team` has the form of a team's name.
    public static func isValid(team: String) -> Bool {
        let lowercase = UInt8(ascii: "a")...UInt8(ascii: "z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        return (1...32).contains(team.utf8.count)
            && team.utf8.allSatisfy { lowercase.contains($0) || digits.contains($0) || $0 == UInt8(ascii: "-") }
    }

    /// What audit says about it.
    ///
    /// - Parameter former: the key in whose place it was made active.
    func document(insteadOf former: String? = nil) -> CanonicalJSON {
        var members: [String: CanonicalJSON] = [
            "upstream_key": .string(id), "team": .string(team), "role": .string(role.rawValue),
        ]
        if let former { members["instead_of"] = .string(former) }
        return .object(members)
    }
}

/// An upstream key with its secret, for whoever calls upstream.
public struct HeldUpstreamKey: Sendable {
    /// What the ledger tells of it.
    public internal(set) var record: UpstreamKeyRecord
    /// The key itself.
    public let secret: UpstreamKeySecret
}

import Auth
import E2BUpstream
import Ledger

/// An upstream key without the key.
public struct UpstreamKeyView: Codable, Sendable {
    /// The gateway's name for it: `uk_` and 16 hex digits.
    public var id: String
    /// The gateway's name for the E2B team it belongs to.
    public var team: String
    /// `active`, `standby` or `retired`.
    public var role: String
    /// What upstream last said of it: `unknown`, `accepted` or `refused`.
    public var health: String
    /// When it was added, RFC 3339.
    public var createdAt: String
    /// Since when it has its role, RFC 3339.
    public var roleSince: String

    enum CodingKeys: String, CodingKey {
        case id, team, role, health
        case createdAt = "created_at"
        case roleSince = "role_since"
    }

    init(_ key: UpstreamKeyRecord, health: UpstreamKeyRing.Health) {
        id = key.id
        team = key.team
        role = key.role.rawValue
        self.health = health.rawValue
        createdAt = Timestamp.text(key.createdAt)
        roleSince = Timestamp.text(key.roleSince)
    }
}

/// An upstream key to be added. Descriptions do not show it.
public struct NewUpstreamKey: Codable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// What E2B issued.
    var key: String
    /// The gateway's name for its E2B team; need not be given where that can be found out.
    var team: String?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case key, team
    }

    /// A key, and its team if that is known.
    public init(key: String, team: String?) {
        self.key = key
        self.team = team
    }

    /// The key, if it can be one.
    ///
    /// - Throws: a problem that does not repeat it.
    func secret() throws(Problem) -> UpstreamKeySecret {
        if (try? Token(parsing: key)) != nil {
            throw Problem(
                .invalidRequest,
                "That is one of this gateway's own tokens, not a key of E2B's; a token belongs to the tenant it was issued to.",
                shouldRetry: false)
        }
        guard let secret = UpstreamKeySecret(key) else {
            throw .invalidField("key", "must be 1 to 512 visible ASCII characters, without spaces")
        }
        return secret
    }

    /// Never the key.
    public var description: String { "NewUpstreamKey(redacted)" }
    /// Never the key.
    public var debugDescription: String { description }
    /// Nothing: `dump` shows no secret either.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

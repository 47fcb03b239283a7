import Auth
public import Quota

/// Somebody signed in to the console: what the admin token proved, for as long as that holds.
public struct ConsoleSession: Sendable, Hashable {
    /// Who, and what the token allowed when it was shown.
    public let principal: AdminPrincipal
    /// When they signed in.
    public let openedAt: Moment
    /// The first instant at which it is over, whatever is done with it.
    public let expiresAt: Moment
    /// When it was last used by somebody who sat before it.
    public internal(set) var usedAt: Moment

    /// The longest that anybody stays signed in.
    public static let lifetime = Duration.seconds(12 * 3600)
    /// Unused for so long, it is over.
    public static let idleTime = Duration.seconds(30 * 60)
    /// How many an administrator's key may have; the one that was unused for longest makes room.
    public static let maximumPerKey = 20
    /// A use is written when the last one on disk is older than this.
    static let grain = Duration.seconds(60)

    /// The first instant at which it is over unless it is used before.
    public var idleUntil: Moment { min(usedAt + Self.idleTime, expiresAt) }
}

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

/// A session's secret, which a browser holds and the ledger does not: there is only its hash.
public struct ConsoleSessionID: Sendable {
    private let bytes: [UInt8]

    /// A new one: 32 random bytes.
    public static func random() -> ConsoleSessionID { ConsoleSessionID(bytes: SecureRandom.bytes(length)) }

    /// As a browser presents it; nil for what cannot be one.
    public init?(text: some StringProtocol) {
        guard let bytes = Hex.bytes(text), bytes.count == Self.length else { return nil }
        self.init(bytes: bytes)
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private static let length = 32

    /// 64 hex digits. This is the credential itself.
    public var text: String { Hex.text(bytes) }

    /// What a page that belongs to the session sends with every change; it cannot be told from the outside, nor leads back.
    public var csrfToken: String {
        Hex.text(Digest.hmacSHA256(Array("e2b-gateway/console/csrf/v1".utf8), key: bytes))
    }

    var digest: [UInt8] { Digest.sha256(bytes) }
}

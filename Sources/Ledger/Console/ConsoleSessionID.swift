import Auth

/// A session's secret, which a browser holds and the ledger does not: there is only its hash. With it goes a MAC that only the
/// ledger can make.
public struct ConsoleSessionID: Sendable {
    private let secret: [UInt8]
    private let mac: [UInt8]

    /// A new one: 32 random bytes.
    static func random(under key: ConsoleSessionKey) -> ConsoleSessionID {
        let secret = SecureRandom.bytes(secretLength)
        return ConsoleSessionID(secret: secret, mac: key.mac(of: secret))
    }

    /// As a browser presents it; nil for what cannot be one.
    public init?(text: some StringProtocol) {
        guard let bytes = Hex.bytes(text), bytes.count == Self.secretLength + ConsoleSessionKey.macLength else {
            return nil
        }
        self.init(secret: Array(bytes.prefix(Self.secretLength)), mac: Array(bytes.dropFirst(Self.secretLength)))
    }

    private init(secret: [UInt8], mac: [UInt8]) {
        self.secret = secret
        self.mac = mac
    }

    private static let secretLength = 32

    /// 96 hex digits. This is the credential itself.
    public var text: String { Hex.text(secret + mac) }

    /// What a page that belongs to the session sends with every change; it cannot be told from the outside, nor leads back.
    public var csrfToken: String {
        Hex.text(Digest.hmacSHA256(Array("e2b-gateway/console/csrf/v1".utf8), key: secret))
    }

    var digest: [UInt8] { Digest.sha256(secret) }

    /// Whether this ledger made it.
    func isMade(under key: ConsoleSessionKey) -> Bool { Digest.constantTimeEquals(mac, key.mac(of: secret)) }
}

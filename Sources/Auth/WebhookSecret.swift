/// Why a text is no webhook secret.
public enum WebhookSecretFailure: Error, Equatable, Sendable {
    /// It is not `whsec_` and the Base64 of 24 to 64 bytes.
    case malformed
}

/// What the receiver of webhooks shares with the gateway, to know that a message is the gateway's: a secret by the Standard
/// Webhooks specification (https://www.standardwebhooks.com), whose libraries verify what it signs.
public struct WebhookSecret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private static let prefix = "whsec_"
    private static let lengths = 24...64

    private let bytes: [UInt8]

    /// Reads `whsec_` and the Base64 of 24 to 64 bytes, with nothing around them.
    public init(text: String) throws(WebhookSecretFailure) {
        guard text.hasPrefix(Self.prefix),
            let bytes = Base64.bytes(Array(text.utf8)[Self.prefix.utf8.count...]), Self.lengths.contains(bytes.count)
        else { throw .malformed }
        self.bytes = bytes
    }

    /// The signature of a message as `webhook-signature` bears it: `v1,` and the Base64 of HMAC-SHA256 over the message's
    /// id, the time of the attempt in Unix seconds and the body, with dots in between.
    public func signature(of body: String, id: String, timestamp: Int64) -> String {
        "v1," + Base64.text(Digest.hmacSHA256(Array("\(id).\(timestamp).\(body)".utf8), key: bytes))
    }

    /// Says what it is, never what it holds.
    public var description: String { "WebhookSecret(redacted)" }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Shows nothing to `dump` and to reflection.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

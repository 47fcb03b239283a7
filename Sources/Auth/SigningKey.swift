/// An Ed25519 key pair (RFC 8032), made from a seed of 32 bytes.
public struct SigningKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// How long a seed is.
    public static let seedLength = 32

    private let key: OpenSSL.Ed25519Key

    /// The public half: what others verify signatures with.
    public let publicKey: VerifyingKey

    /// The key pair of a seed; nil unless there are exactly 32 bytes.
    public init?(seed: [UInt8]) {
        guard let key = OpenSSL.Ed25519Key(seed: seed), let publicKey = VerifyingKey(bytes: key.publicKey) else {
            return nil
        }
        self.key = key
        self.publicKey = publicKey
    }

    /// The signature of a message: 64 bytes, always the same for the same message.
    public func signature(of message: [UInt8]) -> [UInt8] { key.signature(of: message) }

    /// Says what it is, never what it holds.
    public var description: String { "SigningKey(redacted)" }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Shows nothing to `dump` and to reflection.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

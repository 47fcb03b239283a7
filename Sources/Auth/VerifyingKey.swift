/// An Ed25519 public key (RFC 8032): whoever has it can check signatures and make none.
public struct VerifyingKey: Sendable {
    private let key: OpenSSL.Ed25519Key

    /// The key as RFC 8032 encodes it: 32 bytes.
    public let bytes: [UInt8]

    /// A key of 32 bytes; nil for another length.
    public init?(bytes: [UInt8]) {
        guard let key = OpenSSL.Ed25519Key(publicKey: bytes) else { return nil }
        self.key = key
        self.bytes = bytes
    }

    /// What signatures name the key by: the first eight bytes of its SHA-256, as 16 lowercase hex digits.
    public var keyID: String { Hex.text(Digest.sha256(bytes).prefix(8)) }

    /// Whether this key's owner signed exactly this message.
    public func isValid(_ signature: [UInt8], of message: [UInt8]) -> Bool { key.isValid(signature, of: message) }
}

extension VerifyingKey: Hashable {
    /// Keys are equal when their bytes are.
    public static func == (left: VerifyingKey, right: VerifyingKey) -> Bool { left.bytes == right.bytes }

    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
}

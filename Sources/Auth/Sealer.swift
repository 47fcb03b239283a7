/// Why something could not be sealed or opened.
public enum SealFailure: Error, Equatable, Sendable {
    /// Not something a sealer wrote: too short or of an unknown version.
    case malformed
    /// Altered, sealed under another root key, or moved here from under another label.
    case notAuthentic
    /// OpenSSL could not encrypt.
    case unavailable
}

/// Encrypts secrets at rest: AES-256-GCM under a key derived from the root key.
///
/// Sealed bytes: version `0x01`, 12 bytes of random nonce, the ciphertext, 16 bytes of tag. The version and the label
/// are authenticated with it, so that a sealed value cannot be moved to another row. Random nonces are safe for 2³²
/// values under one key (NIST SP 800-38D, 8.3), far beyond the keys a ledger will ever hold.
public struct Sealer: Sendable {
    private static let version: UInt8 = 0x01
    private static let nonceLength = 12

    private let key: [UInt8]

    /// A sealer for everything under this root key.
    public init(_ rootKey: RootKey) {
        key = Digest.hmacSHA256(Array("e2b-gateway/seal/v1".utf8), key: rootKey.bytes)
    }

    /// A sealer under a key of its own: 32 random bytes, themselves sealed under the root key.
    public init(ownKey: [UInt8]) {
        precondition(ownKey.count == 32, "a key of 32 bytes")
        key = Digest.hmacSHA256(Array("e2b-gateway/seal/v1".utf8), key: ownKey)
    }

    /// Seals `plaintext` to a place named `label`, such as table and row id; 29 bytes longer than the plaintext.
    public func seal(_ plaintext: [UInt8], as label: String) throws(SealFailure) -> [UInt8] {
        let nonce = SecureRandom.bytes(Self.nonceLength)
        let sealed = OpenSSL.encrypt(plaintext, key: key, nonce: nonce, associatedData: Self.associatedData(label))
        guard let sealed else { throw .unavailable }
        return [Self.version] + nonce + sealed
    }

    /// What was sealed under the same label.
    public func open(_ sealed: [UInt8], as label: String) throws(SealFailure) -> [UInt8] {
        guard sealed.count >= 1 + Self.nonceLength + OpenSSL.gcmTagLength, sealed[0] == Self.version else {
            throw .malformed
        }
        let plaintext = OpenSSL.decrypt(
            Array(sealed.dropFirst(1 + Self.nonceLength)),
            key: key,
            nonce: Array(sealed[1...Self.nonceLength]),
            associatedData: Self.associatedData(label)
        )
        guard let plaintext else { throw .notAuthentic }
        return plaintext
    }

    private static func associatedData(_ label: String) -> [UInt8] {
        [version] + Array(label.utf8)
    }
}

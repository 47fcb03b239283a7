import COpenSSL

/// Everything this house asks of OpenSSL: this file and its `OpenSSL+…` neighbours are the only ones of `Auth` that handle
/// pointers.
///
/// A failure of a primitive that cannot fail on valid arguments (HMAC, SHA-256, the random generator) means that the
/// library itself is unusable; going on would produce predictable keys or tags, so the process stops.
enum OpenSSL {
    static let tagLength = 32

    /// The HMAC implementation, looked up once: a lookup per tag would cost more than the tag.
    private static let hmac: MAC = MAC()

    private final class MAC: @unchecked Sendable {
        // Never written after `init`, and OpenSSL's fetched algorithms are reference-counted and immutable.
        let raw: OpaquePointer

        init() {
            guard let raw = EVP_MAC_fetch(nil, "HMAC", nil) else {
                preconditionFailure("this OpenSSL offers no HMAC")
            }
            self.raw = raw
        }
    }

    /// An HMAC-SHA256 context that has absorbed its key and waits to be duplicated.
    final class PreKeyedHMAC: @unchecked Sendable {
        // Sendable: the context is only ever read (duplicated) after `init`.
        private let context: OpaquePointer

        init(key: [UInt8]) {
            context = OpenSSL.newHMAC(key: key)
        }

        deinit { EVP_MAC_CTX_free(context) }

        /// The tag of `message`, then chained: each further message is tagged with the tag before it as the key.
        func tag(of message: [UInt8], chainedThrough links: [[UInt8]] = []) -> [UInt8] {
            guard let copy = EVP_MAC_CTX_dup(context) else { preconditionFailure("OpenSSL: out of memory") }
            defer { EVP_MAC_CTX_free(copy) }
            var tag = OpenSSL.finish(copy, message)
            for link in links {
                precondition(EVP_MAC_init(copy, tag, tag.count, nil) == 1, "OpenSSL refused to key an HMAC")
                tag = OpenSSL.finish(copy, link)
            }
            return tag
        }
    }

    static func hmacSHA256(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        let context = newHMAC(key: key)
        defer { EVP_MAC_CTX_free(context) }
        return finish(context, message)
    }

    private static func newHMAC(key: [UInt8]) -> OpaquePointer {
        guard let context = EVP_MAC_CTX_new(hmac.raw) else { preconditionFailure("OpenSSL: out of memory") }
        // A nil key would mean "keep the old one", and an empty array may have no address. HMAC pads keys with zero bytes,
        // so a single one is the empty key.
        let key = key.isEmpty ? [0] : key
        let keyed = copenssl_hmac_sha256_init(context, key, key.count)
        precondition(keyed == 1, "OpenSSL refused to key an HMAC")
        return context
    }

    private static func finish(_ context: OpaquePointer, _ message: [UInt8]) -> [UInt8] {
        var tag = [UInt8](repeating: 0, count: tagLength)
        var written = 0
        let done =
            EVP_MAC_update(context, message, message.count) == 1
            && EVP_MAC_final(context, &tag, &written, tag.count) == 1 && written == tagLength
        precondition(done, "OpenSSL failed to compute an HMAC")
        return tag
    }

    static func sha256(_ message: [UInt8]) -> [UInt8] {
        digest(message, EVP_sha256(), length: 32)
    }

    static func sha512(_ message: [UInt8]) -> [UInt8] {
        digest(message, EVP_sha512(), length: 64)
    }

    private static func digest(_ message: [UInt8], _ type: OpaquePointer, length: Int) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: length)
        let done = EVP_Digest(message, message.count, &digest, nil, type, nil)
        precondition(done == 1, "OpenSSL failed to compute a digest")
        return digest
    }

    static func randomBytes(_ count: Int) -> [UInt8] {
        guard count > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: count)
        guard count <= Int32.max, RAND_bytes(&bytes, Int32(count)) == 1 else {
            preconditionFailure("OpenSSL has no randomness to give")
        }
        return bytes
    }

    /// Compares arrays of equal length without stopping at the first difference.
    static func constantTimeEquals(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }

    /// AES-256-GCM; returns ciphertext followed by the 16-byte tag, or nil when OpenSSL failed.
    static func encrypt(
        _ plaintext: [UInt8], key: [UInt8], nonce: [UInt8], associatedData: [UInt8]
    ) -> [UInt8]? {
        guard let context = EVP_CIPHER_CTX_new(), key.count == 32, nonce.count == 12 else { return nil }
        defer { EVP_CIPHER_CTX_free(context) }
        guard let length = Int32(exactly: plaintext.count), let extra = Int32(exactly: associatedData.count) else {
            return nil
        }
        var sealed = [UInt8](repeating: 0, count: plaintext.count)
        var tag = [UInt8](repeating: 0, count: gcmTagLength)
        var written: Int32 = 0
        guard EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1,
            EVP_EncryptUpdate(context, nil, &written, associatedData, extra) == 1,
            length == 0 || EVP_EncryptUpdate(context, &sealed, &written, plaintext, length) == 1,
            EVP_EncryptFinal_ex(context, &tag, &written) == 1,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(gcmTagLength), &tag) == 1
        else { return nil }
        return sealed + tag
    }

    /// The reverse of ``encrypt(_:key:nonce:associatedData:)``; nil when the tag does not hold.
    static func decrypt(
        _ sealed: [UInt8], key: [UInt8], nonce: [UInt8], associatedData: [UInt8]
    ) -> [UInt8]? {
        guard sealed.count >= gcmTagLength, key.count == 32, nonce.count == 12 else { return nil }
        guard let context = EVP_CIPHER_CTX_new() else { return nil }
        defer { EVP_CIPHER_CTX_free(context) }
        let ciphertext = Array(sealed.dropLast(gcmTagLength))
        var tag = Array(sealed.suffix(gcmTagLength))
        guard let length = Int32(exactly: ciphertext.count), let extra = Int32(exactly: associatedData.count) else {
            return nil
        }
        var plaintext = [UInt8](repeating: 0, count: ciphertext.count)
        var rest = [UInt8](repeating: 0, count: gcmTagLength)
        var written: Int32 = 0
        guard EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1,
            EVP_DecryptUpdate(context, nil, &written, associatedData, extra) == 1,
            length == 0 || EVP_DecryptUpdate(context, &plaintext, &written, ciphertext, length) == 1,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(gcmTagLength), &tag) == 1,
            EVP_DecryptFinal_ex(context, &rest, &written) == 1
        else {
            ERR_clear_error()
            return nil
        }
        return plaintext
    }

    static let gcmTagLength = 16
}

import COpenSSL

/// Ed25519 (RFC 8032, the pure variant).
extension OpenSSL {
    /// A key pair, or the public half of one.
    final class Ed25519Key: @unchecked Sendable {
        // Sendable: the key is never changed after `init`, and each signature has a context of its own.
        private let key: OpaquePointer

        /// From the 32 bytes of a seed; nil for another length.
        init?(seed: [UInt8]) {
            guard seed.count == Ed25519Key.length,
                let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count)
            else { return nil }
            self.key = key
        }

        /// From the 32 bytes of a public key; nil for another length.
        init?(publicKey: [UInt8]) {
            guard publicKey.count == Ed25519Key.length,
                let key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, publicKey, publicKey.count)
            else { return nil }
            self.key = key
        }

        deinit { EVP_PKEY_free(key) }

        var publicKey: [UInt8] {
            var bytes = [UInt8](repeating: 0, count: Ed25519Key.length)
            var length = bytes.count
            let done = EVP_PKEY_get_raw_public_key(key, &bytes, &length) == 1 && length == bytes.count
            precondition(done, "OpenSSL does not show a public key")
            return bytes
        }

        /// The 64 bytes of the signature, always the same for the same message. Only of a key that has its seed.
        func signature(of message: [UInt8]) -> [UInt8] {
            let context = Ed25519Key.newContext()
            defer { EVP_MD_CTX_free(context) }
            var signature = [UInt8](repeating: 0, count: Ed25519Key.signatureLength)
            var length = signature.count
            let done =
                EVP_DigestSignInit(context, nil, nil, nil, key) == 1
                && EVP_DigestSign(context, &signature, &length, message, message.count) == 1
                && length == signature.count
            precondition(done, "OpenSSL failed to sign")
            return signature
        }

        func isValid(_ signature: [UInt8], of message: [UInt8]) -> Bool {
            guard signature.count == Ed25519Key.signatureLength else { return false }
            let context = Ed25519Key.newContext()
            defer { EVP_MD_CTX_free(context) }
            guard EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1,
                EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
            else {
                ERR_clear_error()
                return false
            }
            return true
        }

        private static func newContext() -> OpaquePointer {
            guard let context = EVP_MD_CTX_new() else { preconditionFailure("OpenSSL: out of memory") }
            return context
        }

        static let length = 32
        static let signatureLength = 64
    }
}

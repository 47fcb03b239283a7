import COpenSSL

/// SHA-256 for many small messages: the algorithm is looked up once and one context serves them all.
extension OpenSSL {
    final class SHA256Context {
        private let context: OpaquePointer
        private let algorithm: OpaquePointer

        init() {
            guard let context = EVP_MD_CTX_new(), let algorithm = EVP_MD_fetch(nil, "SHA256", nil) else {
                preconditionFailure("this OpenSSL offers no SHA-256")
            }
            self.context = context
            self.algorithm = algorithm
            begin()
        }

        deinit {
            EVP_MD_CTX_free(context)
            EVP_MD_free(algorithm)
        }

        func update(_ bytes: ArraySlice<UInt8>) {
            let done = bytes.withUnsafeBytes { EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
            precondition(done == 1, "OpenSSL failed to compute a digest")
        }

        /// Writes the digest over the first 32 bytes of `digest` and begins anew.
        func finish(into digest: inout [UInt8]) {
            precondition(digest.count >= 32, "no room for a digest")
            var written: UInt32 = 0
            let done = EVP_DigestFinal_ex(context, &digest, &written) == 1 && written == 32
            precondition(done, "OpenSSL failed to compute a digest")
            begin()
        }

        private func begin() {
            precondition(EVP_DigestInit_ex2(context, algorithm, nil) == 1, "OpenSSL failed to begin a digest")
        }
    }
}

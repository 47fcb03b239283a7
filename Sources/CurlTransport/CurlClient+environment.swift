import Glibc

extension CurlClient.Configuration {
    /// Fills in the authorities from `SSL_CERT_FILE`, the variable OpenSSL's own programs read.
    func resolvingEnvironment() -> Self {
        guard certificateAuthorityFile == nil, let path = getenv("SSL_CERT_FILE"), path.pointee != 0 else {
            return self
        }
        var resolved = self
        resolved.certificateAuthorityFile = String(cString: path)
        return resolved
    }
}

import Glibc

extension CurlClient.Configuration {
    /// Fills in the authorities from the variables that the `curl` program reads, in its order: `CURL_CA_BUNDLE`, then
    /// `SSL_CERT_FILE`, which OpenSSL's own programs read too.
    func resolvingEnvironment() -> Self {
        guard certificateAuthorityFile == nil else { return self }
        var resolved = self
        resolved.certificateAuthorityFile = Self.variable("CURL_CA_BUNDLE") ?? Self.variable("SSL_CERT_FILE")
        return resolved
    }

    /// An empty one is how a shell says "none".
    private static func variable(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }
}

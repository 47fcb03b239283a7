extension CurlClient {
    /// What holds for every request of a client.
    public struct Configuration: Sendable {
        /// Most connections open at once, idle ones included; requests beyond it queue within their connect deadline.
        public var maximumConnections: Int
        /// The same for one host and port. `nil`: no bound of its own.
        public var maximumConnectionsPerHost: Int?
        /// A PEM file of certificate authorities to trust *in place of* the system's.
        /// `nil`: the file named by the environment's `CURL_CA_BUNDLE` or else `SSL_CERT_FILE`, else the system's.
        public var certificateAuthorityFile: String?
        /// Largest response head accepted, in bytes, all lines together.
        public var maximumHeaderBytes: Int
        /// The `User-Agent` of requests that bring none.
        public var userAgent: String

        /// 256 connections, no bound per host, the system's authorities, heads of at most 64 KiB.
        public init(
            maximumConnections: Int = 256,
            maximumConnectionsPerHost: Int? = nil,
            certificateAuthorityFile: String? = nil,
            maximumHeaderBytes: Int = 64 * 1024,
            userAgent: String = "e2b-gateway"
        ) {
            self.maximumConnections = maximumConnections
            self.maximumConnectionsPerHost = maximumConnectionsPerHost
            self.certificateAuthorityFile = certificateAuthorityFile
            self.maximumHeaderBytes = maximumHeaderBytes
            self.userAgent = userAgent
        }
    }
}

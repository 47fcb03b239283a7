/// What a ``LocalE2B`` is told of TLS: the same is served besides, over HTTP/2 and HTTP/1.1, under a domain.
public struct LocalE2BTLS: Sendable {
    /// The control plane is `api.DOMAIN`, a sandbox's port is `{port}-{id}.DOMAIN`; at most 180 bytes. Clients must find
    /// this machine under all of them.
    public var domain: String
    /// TCP port to listen on; 0 takes any free one.
    public var port = 3443
    /// Where the certificate of the throw-away authority is written, in PEM. Only such a file is ever overwritten.
    public var authorityFile: String

    /// Listens at port 3443.
    public init(domain: String, authorityFile: String) {
        self.domain = domain
        self.authorityFile = authorityFile
    }

    func validated() throws(LocalE2BFailure) {
        guard (0...65535).contains(port) else {
            throw .invalidConfiguration("the port for TLS must be between 0 and 65535, not \(port)")
        }
        let labels = domain.split(separator: ".", omittingEmptySubsequences: false)
        guard domain.utf8.count <= 180, labels.allSatisfy(Self.isLabel),
            labels.last?.contains(where: \.isLetter) == true
        else {
            throw .invalidConfiguration(
                "the domain for TLS must be one such as e2b.localhost, in lower case and without a port, not '\(domain)'"
            )
        }
        guard !authorityFile.isEmpty, !authorityFile.hasSuffix("/") else {
            throw .invalidConfiguration("the authority's certificate needs the path of a file, not '\(authorityFile)'")
        }
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
            && label.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}

import HTTPTypes

extension OutgoingRequest {
    private static let ownedByTheBody: [HTTPField.Name] = [.contentLength, .transferEncoding, .expect]

    /// Refuses what libcurl would misread, before it sees it.
    func validate() throws(TransportFailure) {
        guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
            throw .invalidRequest("the URL begins neither with http:// nor with https://")
        }
        guard url.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw .invalidRequest("the URL holds characters that must be percent-encoded")
        }
        for name in Self.ownedByTheBody where headers[name] != nil {
            throw .invalidRequest("the header \(name) follows from the body")
        }
        if let unixSocket, unixSocket.utf8.count > 107 || unixSocket.utf8.contains(0) || unixSocket.isEmpty {
            throw .invalidRequest("the Unix socket's path is empty, too long or holds a NUL")
        }
        if method == .head {
            guard case .none = body else { throw .invalidRequest("a HEAD request has no body") }
        }
        if case .stream(_, let length?) = body, length < 0 {
            throw .invalidRequest("the upload's length is negative")
        }
    }

    /// The header lines for libcurl: ours, plus one without value for each header libcurl would add by itself.
    func headerLines(userAgent: String) -> [String] {
        var lines = headers.map { field in
            field.value.isEmpty ? "\(field.name.rawName);" : "\(field.name.rawName): \(field.value)"
        }
        if headers[.userAgent] == nil { lines.append("User-Agent: \(userAgent)") }
        if headers[.accept] == nil { lines.append("Accept:") }
        lines.append("Expect:")
        return lines
    }
}

import CLibcurl
import HTTPTypes
import NIOCore

extension EasyHandle {
    /// A handle that will send this request and nothing beyond it.
    static func sending(
        _ request: OutgoingRequest,
        under configuration: CurlClient.Configuration
    ) throws(TransportFailure) -> EasyHandle {
        try request.validate()
        let handle = try EasyHandle(headerLines: request.headerLines(userAgent: configuration.userAgent))
        try handle.configure(for: request, under: configuration)
        return handle
    }

    private func configure(
        for request: OutgoingRequest,
        under configuration: CurlClient.Configuration
    ) throws(TransportFailure) {
        try set(CURLOPT_URL, request.url)
        try set(CURLOPT_NOSIGNAL, 1)
        try set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        try set(CURLOPT_PROTOCOLS_STR, "http,https")
        try set(CURLOPT_PATH_AS_IS, 1)
        try set(CURLOPT_PROXY, "")  // an empty proxy silences HTTP_PROXY and its kin
        try set(CURLOPT_TCP_KEEPALIVE, 1)
        try set(CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(request.deadlines.connect / .milliseconds(1))))
        try set(CURLOPT_QUICK_EXIT, 1)  // or closing a transfer would wait for its name lookup
        if request.isExamined {
            try set(CURLOPT_CERTINFO, 1)
            try set(CURLOPT_FRESH_CONNECT, 1)
        }
        if let path = request.unixSocket { try set(CURLOPT_UNIX_SOCKET_PATH, path) }
        try setTrust(in: configuration.certificateAuthorityFile)
        try setMethod(of: request)
    }

    private func setTrust(in authorities: String?) throws(TransportFailure) {
        try set(CURLOPT_SSL_VERIFYPEER, 1)
        try set(CURLOPT_SSL_VERIFYHOST, 2)
        try set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        // One file and no directory: an override must not fall back to the system's, and libcurl keeps the parsed
        // file for later connections only when no directory is searched.
        try set(CURLOPT_CAPATH, nil)
        if let authorities { try set(CURLOPT_CAINFO, authorities) }
    }

    private func setMethod(of request: OutgoingRequest) throws(TransportFailure) {
        switch request.body {
        case .none where request.method == .head:
            try set(CURLOPT_NOBODY, 1)
        case .none where !request.method.announcesBody:
            try set(CURLOPT_HTTPGET, 1)
            try set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        case .none:
            try setUpload(length: 0, of: request)
        case .bytes(let bytes):
            try setUpload(length: bytes.readableBytes, of: request)
        case .stream(_, let length):
            try setUpload(length: length, of: request)
            try set(CURLOPT_HTTP_TRANSFER_DECODING, 0)  // see Transfer.isFramingOurs
        }
    }

    private func setUpload(length: Int?, of request: OutgoingRequest) throws(TransportFailure) {
        try set(CURLOPT_UPLOAD, 1)
        try set(CURLOPT_INFILESIZE_LARGE, size: length ?? -1)
        try set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        // libcurl repeats a request by itself when a reused connection turns out dead. With a body under way it
        // would have to rewind, which we never offer; without one only a fresh connection prevents it.
        if length == 0, !request.method.isIdempotent { try set(CURLOPT_FRESH_CONNECT, 1) }
    }
}

extension HTTPRequest.Method {
    /// Methods whose empty body is still announced, as `Content-Length: 0`.
    var announcesBody: Bool { self == .post || self == .put || self == .patch }

    /// RFC 9110, section 9.2.2.
    var isIdempotent: Bool { [.get, .head, .put, .delete, .options, .trace].contains(self) }
}

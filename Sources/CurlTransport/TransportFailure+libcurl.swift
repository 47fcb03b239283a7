import CLibcurl

extension TransportFailure {
    /// Sorts libcurl's hundred codes into our few cases.
    ///
    /// - Parameters:
    ///   - detail: libcurl's text for this very transfer; shown only for TLS and for requests we built wrongly.
    ///   - isAwaitingHead: whether the response head was still incomplete.
    init(_ code: CURLcode, detail: String, isAwaitingHead: Bool) {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
            self = .unresolvable
        case CURLE_COULDNT_CONNECT:
            self = .refused
        case CURLE_OPERATION_TIMEDOUT:
            self = .connectTimedOut  // the only libcurl timeout we set; the other deadlines are our own
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_CIPHER, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_ENGINE_INITFAILED,
            CURLE_SSL_SHUTDOWN_FAILED, CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_PINNEDPUBKEYNOTMATCH,
            CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT, CURLE_USE_SSL_FAILED:
            self = .tlsFailed(detail)
        case CURLE_URL_MALFORMAT, CURLE_NOT_BUILT_IN, CURLE_BAD_FUNCTION_ARGUMENT:
            self = .invalidRequest(detail)
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING:
            self = .malformedResponse  // 1 is also what libcurl says of an answer that does not begin with HTTP/
        case CURLE_RECV_ERROR where detail.contains("chunked-encoding"):
            self = .malformedResponse
        case CURLE_OUT_OF_MEMORY where isAwaitingHead:
            self = .headersTooLarge  // what libcurl says of one header line beyond its own 100 KiB
        case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_SEND_FAIL_REWIND:
            self = .brokenOff
        case CURLE_READ_ERROR, CURLE_ABORTED_BY_CALLBACK:
            self = .uploadFailed
        default:
            self = .other(code: Int32(code.rawValue))
        }
    }
}

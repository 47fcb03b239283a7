import CLibcurl

/// Owns one `CURL *` with the memory it points into: created here, cleaned up here, never copied.
struct EasyHandle: ~Copyable {
    let raw: UnsafeMutableRawPointer
    private let errorText: UnsafeMutablePointer<CChar>
    private let headerLines: UnsafeMutablePointer<curl_slist>?

    /// - Parameter headerLines: the request's header lines, `Name: value`, without line ends.
    init(headerLines: [String]) throws(TransportFailure) {
        guard let raw = curl_easy_init() else { throw .other(code: Int32(CURLE_OUT_OF_MEMORY.rawValue)) }
        self.raw = raw
        var lines: UnsafeMutablePointer<curl_slist>?
        for line in headerLines { lines = curl_slist_append(lines, line) ?? lines }
        self.headerLines = lines
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        _ = shim_set_pointer(raw, CURLOPT_ERRORBUFFER, errorText)
        _ = shim_set_pointer(raw, CURLOPT_HTTPHEADER, lines)
    }

    deinit {
        curl_easy_cleanup(raw)
        curl_slist_free_all(headerLines)
        errorText.deallocate()
    }

    /// What libcurl says about the failure, else its general text for the code.
    func detail(for code: CURLcode) -> String {
        let text = String(cString: errorText)
        return text.isEmpty ? String(cString: curl_easy_strerror(code)) : text
    }

    var status: Int {
        var status = 0
        _ = shim_get_long(raw, CURLINFO_RESPONSE_CODE, &status)
        return status
    }

    /// Lets both directions run except those named.
    func pause(receiving: Bool, sending: Bool) {
        curl_easy_pause(raw, (receiving ? CURLPAUSE_RECV : 0) | (sending ? CURLPAUSE_SEND : 0))
    }

    func set(_ option: CURLoption, _ value: Int) throws(TransportFailure) {
        try check(shim_set_long(raw, option, value))
    }

    func set(_ option: CURLoption, size: Int) throws(TransportFailure) {
        try check(shim_set_size(raw, option, curl_off_t(size)))
    }

    /// `nil` takes back libcurl's own default.
    func set(_ option: CURLoption, _ value: String?) throws(TransportFailure) {
        try check(shim_set_text(raw, option, value))
    }

    func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer?) throws(TransportFailure) {
        try check(shim_set_pointer(raw, option, pointer))
    }

    func set(_ option: CURLoption, callback: shim_transfer_callback) throws(TransportFailure) {
        try check(shim_set_transfer_callback(raw, option, callback))
    }

    func check(_ code: CURLcode) throws(TransportFailure) {
        guard code == CURLE_OK else { throw .other(code: Int32(code.rawValue)) }
    }
}

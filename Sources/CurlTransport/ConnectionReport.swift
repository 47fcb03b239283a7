import CLibcurl

/// How a connection was made and how soon it answered: for whoever examines one.
public struct ConnectionReport: Sendable, Equatable {
    /// The peer's address, without a port; empty for a Unix socket.
    public let address: String
    /// What the lookup of the name took.
    public let lookup: Duration
    /// What the TCP handshake took.
    public let connect: Duration
    /// What the TLS handshake took; nil without TLS.
    public let handshake: Duration?
    /// What passed from the connection's being ready to the first byte of the answer.
    public let answer: Duration
    /// When the peer's certificate ends, in the words of the TLS library, such as `May  3 12:00:00 2027 GMT`; nil
    /// without TLS.
    public let certificateEnd: String?
}

extension EasyHandle {
    /// What libcurl measured and saw; for a handle that was set up to keep the certificates.
    var connectionReport: ConnectionReport {
        let lookup = microseconds(CURLINFO_NAMELOOKUP_TIME_T)
        let connected = microseconds(CURLINFO_CONNECT_TIME_T)
        let secured = microseconds(CURLINFO_APPCONNECT_TIME_T)
        let answered = microseconds(CURLINFO_STARTTRANSFER_TIME_T)
        return ConnectionReport(
            address: text(CURLINFO_PRIMARY_IP) ?? "",
            lookup: lookup,
            connect: connected - lookup,
            handshake: secured > .zero ? secured - connected : nil,
            answer: answered - max(connected, secured),
            certificateEnd: shim_certificate_field(raw, "Expire date").map { String(cString: $0) }
        )
    }

    private func microseconds(_ info: CURLINFO) -> Duration {
        var value: curl_off_t = 0
        _ = shim_get_size(raw, info, &value)
        return .microseconds(value)
    }

    private func text(_ info: CURLINFO) -> String? {
        shim_get_text(raw, info).map { String(cString: $0) }
    }
}

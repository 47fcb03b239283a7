import HTTPTypes

extension HTTPFields {
    private static let ofTheConnection: [HTTPField.Name] = [
        .connection, .transferEncoding, .upgrade, .init("Keep-Alive"), .init("Proxy-Connection"),
    ].compactMap(\.self)

    /// Takes out what is said of the connection. An HTTP/2 response that holds it is malformed (RFC 9113, section 8.2.2):
    /// its connection has many.
    mutating func removeConnectionFields() {
        for name in Self.ofTheConnection { self[name] = nil }
    }
}

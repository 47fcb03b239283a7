import NIOCore

/// A TCP address to listen on, as `host:port` or `[ipv6]:port`. Port 0 asks for any free one.
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// A name or an address, without brackets.
    public let host: String
    /// 0 to 65535.
    public let port: Int

    /// Returns `nil` unless the text is a host, a colon and a port from 0 to 65535.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.host = String(host)
        self.port = Int(port)
    }

    /// Whether only this machine can reach it.
    public var isLoopback: Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }

    /// As it is written in settings.
    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

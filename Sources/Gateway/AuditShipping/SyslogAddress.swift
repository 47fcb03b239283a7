/// Where a syslog receiver listens: `tcp://HOST:PORT`, or `unix:///PATH` for a stream socket on this machine.
public enum SyslogAddress: Sendable, Hashable, CustomStringConvertible {
    case tcp(ListenAddress)
    case unix(path: String)

    /// Returns nil for anything else, UDP above all: it loses messages without a word, and nothing could be promised.
    init?(_ text: String) {
        if text.hasPrefix("tcp://"), let address = ListenAddress(String(text.dropFirst(6))), address.port > 0,
            text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }), !text.dropFirst(6).contains("/"), !text.contains("@")
        {
            self = .tcp(address)
        } else if text.hasPrefix("unix:///"), text.count > 8, text.utf8.count - 7 <= ControlSocket.maximumPathBytes {
            self = .unix(path: String(text.dropFirst(7)))
        } else {
            return nil
        }
    }

    /// Whether what is sent there stays on this machine.
    var isLocal: Bool {
        switch self {
        case .tcp(let address): address.isLoopback
        case .unix: true
        }
    }

    /// As it is written in settings.
    public var description: String {
        switch self {
        case .tcp(let address): "tcp://\(address)"
        case .unix(let path): "unix://\(path)"
        }
    }
}

import Glibc

/// Sockets of 127.0.0.1.
enum Loopback {
    /// A new TCP socket.
    static func socket() -> Int32 { Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0) }

    /// Calls `bind` or `connect` with a port of 127.0.0.1; nil if that fails.
    ///
    /// - Returns: the socket's own port.
    static func with(
        _ port: UInt16, _ descriptor: Int32, _ call: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> UInt16? {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let succeeded = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                call(descriptor, address, length) == 0 && getsockname(descriptor, address, &length) == 0
            }
        }
        return succeeded ? UInt16(bigEndian: address.sin_port) : nil
    }
}

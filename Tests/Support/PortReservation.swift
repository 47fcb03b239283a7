import Glibc

/// A free port of 127.0.0.1 that is given to nobody who asks for any, also while the server it is meant for does not listen.
///
/// Linux lets a server bind to it, and listen, beside a socket that only holds it, where both have `SO_REUSEADDR`.
final class PortReservation: Sendable {
    let port: UInt16
    private let descriptor: Int32

    struct NoFreePort: Error {}

    init() throws {
        descriptor = Loopback.socket()
        var isReusable: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &isReusable, socklen_t(MemoryLayout<Int32>.size))
        guard let port = Loopback.with(0, descriptor, bind) else {
            close(descriptor)
            throw NoFreePort()
        }
        self.port = port
    }

    deinit { close(descriptor) }
}

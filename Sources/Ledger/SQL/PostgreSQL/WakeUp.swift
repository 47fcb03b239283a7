import Glibc

/// A pair of sockets that ends somebody's waiting from another thread.
final class WakeUp: Sendable {
    /// Readable once it is awake.
    let descriptor: Int32
    private let other: Int32

    /// Nil when no descriptor is left.
    init?() {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { return nil }
        descriptor = ends[0]
        other = ends[1]
    }

    deinit {
        Glibc.close(descriptor)
        Glibc.close(other)
    }

    var isAwake: Bool { PostgreSQLSocket.isReadable(descriptor) }

    func wake() {
        var byte: UInt8 = 1
        write(other, &byte, 1)
    }

    /// Waits until it is awake or one of `sockets` can be read, or until `deadline`; nil waits for ever.
    func wait(orFor sockets: [Int32] = [], until deadline: ContinuousClock.Instant?) {
        _ = PostgreSQLSocket.ready(([descriptor] + sockets).map { ($0, for: .reading) }, until: deadline)
    }
}

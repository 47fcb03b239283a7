import Glibc

/// A loopback port of our own on which nobody answers.
final class DeafPort {
    enum Kind {
        /// Bound, not listening: connecting is refused.
        case closed
        /// Listening with a full queue that nobody empties: connecting hangs.
        case full
    }

    let url: String
    private var descriptors: [Int32] = []

    struct CannotListen: Error {}

    init(_ kind: Kind) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        descriptors.append(listener)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        var length = size
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(listener, generic, size) == 0 && getsockname(listener, generic, &length) == 0
            }
        }
        guard isBound else { throw CannotListen() }
        url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))/"
        guard kind == .full else { return }
        guard listen(listener, 0) == 0 else { throw CannotListen() }
        for _ in 0..<8 {  // non-blocking: the first fill the queue, the rest hang like the test's own will
            let filler = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            descriptors.append(filler)
            _ = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(filler, $0, size) }
            }
        }
    }

    deinit {
        for descriptor in descriptors { close(descriptor) }
    }
}

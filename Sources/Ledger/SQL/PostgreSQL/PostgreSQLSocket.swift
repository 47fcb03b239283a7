import Glibc

/// Waiting for descriptors.
enum PostgreSQLSocket {
    enum Wish {
        case reading, writing, either

        fileprivate var events: Int16 {
            switch self {
            case .reading: Int16(POLLIN)
            case .writing: Int16(POLLOUT)
            case .either: Int16(POLLIN | POLLOUT)
            }
        }
    }

    /// Waits until one of `descriptors` is ready for what is wished, or broken, or until `deadline`; nil waits for ever.
    ///
    /// - Returns: those that are ready; none at the deadline.
    static func ready(_ descriptors: [(Int32, for: Wish)], until deadline: ContinuousClock.Instant?) -> [Int32] {
        var polled = descriptors.map { pollfd(fd: $0.0, events: $0.for.events, revents: 0) }
        while true {
            let left = deadline.map { max(.zero, ContinuousClock.now.duration(to: $0)) }
            // Rounded up, so as not to look again and again within the last millisecond.
            let count = poll(
                &polled, nfds_t(polled.count), left.map { Int32(clamping: $0.wholeMilliseconds + 1) } ?? -1)
            if count > 0 { return polled.filter { $0.revents != 0 }.map(\.fd) }
            // A signal came.
            if count < 0, SystemError.current.isInterruption { continue }
            return []
        }
    }

    /// Whether something can be read at once, be it the end.
    static func isReadable(_ descriptor: Int32) -> Bool {
        var polled = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        return poll(&polled, 1, 0) > 0
    }
}

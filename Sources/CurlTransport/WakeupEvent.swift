import CLibcurl
import Glibc

/// An eventfd: any thread signals, libcurl's thread sleeps on it in epoll.
final class WakeupEvent: Sendable {
    let descriptor: Int32

    init() {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        precondition(descriptor >= 0, "no file descriptor left for libcurl's thread")
    }

    deinit {
        close(descriptor)
    }

    func signal() {
        eventfd_write(descriptor, 1)
    }

    func drain() {
        var count: eventfd_t = 0
        eventfd_read(descriptor, &count)
    }
}

import CLibcurl
import Glibc

/// An epoll instance: which sockets are watched, and which are ready.
struct Poller: ~Copyable {
    /// One ready descriptor.
    struct Event {
        let descriptor: Int32
        let isReadable: Bool
        let isWritable: Bool
        let isBroken: Bool
    }

    private let epoll: Int32
    private var ready = [epoll_event](repeating: epoll_event(), count: 256)

    init() {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        precondition(epoll >= 0, "no file descriptor left for libcurl's thread")
    }

    deinit {
        close(epoll)
    }

    /// Watches a descriptor for exactly these directions from now on.
    func watch(_ descriptor: Int32, reading: Bool, writing: Bool) {
        var event = epoll_event()
        event.events = (reading ? EPOLLIN.rawValue : 0) | (writing ? EPOLLOUT.rawValue : 0)
        event.data.fd = descriptor
        // A number may come back for a new socket, so "known" is the kernel's to say.
        if epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event) != 0, errno == ENOENT {
            epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)
        }
    }

    /// Stops watching; a descriptor that is closed already has left by itself.
    func forget(_ descriptor: Int32) {
        var event = epoll_event()
        epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, &event)
    }

    /// Sleeps until something is ready or `milliseconds` have passed (-1: for ever).
    mutating func wait(milliseconds: Int32) -> [Event] {
        let count = epoll_wait(epoll, &ready, Int32(ready.count), milliseconds)
        guard count > 0 else { return [] }  // a signal is no reason to do anything: the loop looks around anyway
        return ready.prefix(Int(count)).map { event in
            let flags = event.events
            return Event(
                descriptor: event.data.fd,
                isReadable: flags & EPOLLIN.rawValue != 0,
                isWritable: flags & EPOLLOUT.rawValue != 0,
                isBroken: flags & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0
            )
        }
    }
}

import Glibc

/// What the last failed system call of this thread complained of.
struct SystemError: CustomStringConvertible {
    private let code: Int32

    static var current: SystemError { SystemError(code: errno) }

    var isWouldBlock: Bool { code == EWOULDBLOCK }
    var isInterruption: Bool { code == EINTR }
    var isExisting: Bool { code == EEXIST }
    var isMissing: Bool { code == ENOENT }

    var description: String { String(cString: strerror(code)) }
}

import Glibc

/// How many files and connections this process may have open.
enum OpenFiles {
    /// Raises the soft limit, often 1,024, to what the system allows: every stream is two connections.
    static func raiseLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

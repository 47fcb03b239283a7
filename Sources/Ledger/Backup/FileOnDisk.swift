import Glibc

/// What is done to whole files, so that it is on disk when it returns.
enum FileOnDisk {
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The size in bytes.
    static func size(of path: String) throws(LedgerFailure) -> Int64 {
        var status = stat()
        guard stat(path, &status) == 0 else { throw failure("read", path) }
        return Int64(status.st_size)
    }

    /// Whether two paths lead to the same file.
    static func areSame(_ first: String, _ second: String) -> Bool {
        var (one, other) = (stat(), stat())
        guard stat(first, &one) == 0, stat(second, &other) == 0 else { return false }
        return one.st_dev == other.st_dev && one.st_ino == other.st_ino
    }

    /// Gives a file to the user and group of another, if they differ.
    static func giveAway(_ path: String, like model: String) throws(LedgerFailure) {
        var status = stat()
        guard stat(model, &status) == 0 else { return }
        guard status.st_uid != geteuid() || status.st_gid != getegid() else { return }
        guard chown(path, status.st_uid, status.st_gid) == 0 else { throw failure("give away", path) }
    }

    static func sync(_ path: String) throws(LedgerFailure) {
        try sync(path, O_RDONLY | O_CLOEXEC)
    }

    /// A file's name is on disk only when its folder is.
    static func syncFolder(of path: String) throws(LedgerFailure) {
        try sync(folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }

    /// Moves a file within its folder, in place of what is there.
    static func move(_ path: String, to target: String) throws(LedgerFailure) {
        guard rename(path, target) == 0 else { throw failure("move", path) }
    }

    private static func sync(_ path: String, _ flags: Int32) throws(LedgerFailure) {
        let descriptor = open(path, flags)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("sync", path) }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func failure(_ verb: String, _ path: String) -> LedgerFailure {
        .unavailable("cannot \(verb) \(path): \(SystemError.current)")
    }
}
